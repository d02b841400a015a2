import { SETTING_KEYS } from './definitions.ts';
import type { SettingKey } from './settings.ts';
import { shownValue } from './shown-value.ts';

export type SettingSource = 'default' | 'file' | 'environment' | 'code';

/** A value that someone gave for a setting, before it is validated. */
export interface GivenSetting {
  readonly key: SettingKey;
  readonly value: unknown;
  readonly source: SettingSource;
  /** Where it was given, as an error begins with it: 'settings.yaml:7', 'SIMPLEMQ_PORT'. */
  readonly place: string;
  /** What a relative path counts from. */
  readonly folder: string;
}

export interface GivenSettings {
  readonly given: readonly GivenSetting[];
  readonly problems: readonly string[];
}

const KEYS: ReadonlySet<string> = new Set(SETTING_KEYS);
const GROUPS: ReadonlySet<string> = new Set(SETTING_KEYS.filter(isNested).map(groupOf));

export function isSettingKey(key: string): key is SettingKey {
  return KEYS.has(key);
}

/** Whether `key` holds settings of its own, as 'limits' does. */
export function isGroup(key: string): boolean {
  return GROUPS.has(key);
}

/** Says that there is no such setting, and which one may have been meant. */
export function unknownSetting(key: string): string {
  // What is much longer than a setting's name is like none of them.
  const typed = key.slice(0, 100).toLowerCase();
  const nearest = [...SETTING_KEYS, ...GROUPS]
    .map((candidate) => ({ candidate, distance: editDistance(typed, candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0]!;
  const hint =
    nearest.distance <= 3 ? `did you mean ${nearest.candidate}?` : "'simplemq settings' lists them";
  return `${shownValue(key)} is not a setting; ${hint}`;
}

function isNested(key: string): boolean {
  return key.includes('.');
}

function groupOf(key: string): string {
  return key.slice(0, key.indexOf('.'));
}

/** How many characters must be changed, added or left out to make `a` of `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
