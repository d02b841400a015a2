import { dirname, resolve } from 'node:path';
import { FRAME_OVERHEAD_BYTES, FRAME_OVERHEAD_BYTES_MIN } from '@simplemq/protocol';
import * as v from 'valibot';
import { LARGE_ANSWERS_MAX } from '../session/intake.ts';
import { OUTGOING_PAUSE_BYTES } from '../session/socket-writer.ts';
import { DEFINITIONS, SETTING_KEYS, variableOf } from './definitions.ts';
import type { GivenSetting, SettingSource } from './given.ts';
import type { SettingKey, Settings, SettingsInput } from './settings.ts';
import { readEnvironment } from './settings-environment.ts';
import { SettingsError } from './settings-error.ts';
import { readSettingsFile } from './settings-file.ts';
import { readOptions } from './settings-options.ts';
import { shownValue } from './shown-value.ts';

export interface SettingsSources {
  /** A YAML file; without it none is read. */
  readonly settingsFile?: string | undefined;
  /** Default process.env. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** What was given in code; it overrides the rest. */
  readonly options?: SettingsInput | undefined;
}

/** A setting for people to look at. */
export interface DescribedSetting {
  /** As 'limits.maxConnections'. */
  readonly key: SettingKey;
  /** Undefined when it is not set and has no default. */
  readonly value: string | number | boolean | undefined;
  readonly default: string | number | boolean | undefined;
  readonly source: SettingSource;
  /** Where it was given, as 'settings.yaml:7' or 'SIMPLEMQ_PORT'; undefined for a default. */
  readonly place: string | undefined;
  /** The environment variable that sets it. */
  readonly variable: string;
  readonly description: string;
  /** When another value counts after a reload. */
  readonly changes: 'now' | 'newConnections' | 'restart';
}

/**
 * Every setting from its last source: defaults < file < environment < code. A relative path counts from the folder of
 * the settings file when it is given there, or by default while a file is used; otherwise from the working folder.
 *
 * @throws SettingsError with a line for each setting that is unknown or wrong
 */
export function loadSettings(sources: SettingsSources = {}): Settings {
  return settingsOf(resolveAll(sources));
}

/** As loadSettings, but as rows to show. */
export function describeSettings(sources: SettingsSources = {}): readonly DescribedSetting[] {
  const resolved = resolveAll(sources);
  return SETTING_KEYS.map((key) => {
    const { value, fallback, given } = resolved.get(key)!;
    return {
      key,
      value,
      default: fallback,
      source: given?.source ?? 'default',
      place: given?.place,
      variable: variableOf(key),
      description: DEFINITIONS[key].description,
      changes: DEFINITIONS[key].changes,
    };
  });
}

type Value = string | number | boolean | undefined;

interface Resolved {
  value: Value;
  fallback: Value;
  readonly given: GivenSetting | undefined;
}

function resolveAll(sources: SettingsSources): Map<SettingKey, Resolved> {
  const { given, problems, folder } = gather(sources);
  const resolved = new Map<SettingKey, Resolved>();
  for (const key of SETTING_KEYS) {
    const { kind, fallback, isPath } = DEFINITIONS[key];
    const last = given.get(key);
    let value: Value = fallback;
    if (last !== undefined) {
      const parsed = v.safeParse(kind.schema, last.value);
      if (parsed.success) value = parsed.output;
      else problems.push(wrong(last, kind.expected));
    }
    if (isPath) value = absolute(value, last?.folder ?? folder);
    resolved.set(key, { value, fallback, given: last });
  }
  deriveFrameLimit(resolved, problems);
  deriveOutgoingLimit(resolved, problems);
  checkTls(resolved, problems);
  if (problems.length > 0) throw new SettingsError(problems);
  return resolved;
}

function gather(sources: SettingsSources): {
  given: Map<SettingKey, GivenSetting>;
  problems: string[];
  folder: string;
} {
  const { settingsFile } = sources;
  const read = [
    ...(settingsFile === undefined ? [] : [readSettingsFile(settingsFile)]),
    readEnvironment(sources.environment ?? process.env),
    readOptions({ ...sources.options }),
  ];
  return {
    // A later source overrides an earlier one.
    given: new Map(read.flatMap(({ given }) => given).map((given) => [given.key, given])),
    problems: read.flatMap(({ problems }) => problems),
    folder: settingsFile === undefined ? process.cwd() : dirname(resolve(settingsFile)),
  };
}

/** A frame must have room for the largest message and what is around it. */
function deriveFrameLimit(resolved: Map<SettingKey, Resolved>, problems: string[]): void {
  const frame = resolved.get('limits.maxFrameBytes')!;
  const messageBytes = resolved.get('limits.maxMessageBytes')!.value as number;
  const fitting = messageBytes + FRAME_OVERHEAD_BYTES;
  frame.fallback = fitting;
  if (frame.given === undefined) frame.value = fitting;
  else if ((frame.value as number) < messageBytes + FRAME_OVERHEAD_BYTES_MIN) {
    const least = `${messageBytes + FRAME_OVERHEAD_BYTES_MIN} or more`;
    const why = `limits.maxMessageBytes, which is ${messageBytes}, and ${FRAME_OVERHEAD_BYTES_MIN}`;
    problems.push(wrong(frame.given, `${least}: ${why}`));
  }
}

/**
 * Behind what makes a client be waited for there must be room for a delivery and for all large answers that a connection
 * is given at a time, or a client that reads would be cut off.
 */
function deriveOutgoingLimit(resolved: Map<SettingKey, Resolved>, problems: string[]): void {
  const outgoing = resolved.get('limits.maxOutgoingBytes')!;
  const frameBytes = resolved.get('limits.maxFrameBytes')!.value as number;
  const fitting = OUTGOING_PAUSE_BYTES + (1 + LARGE_ANSWERS_MAX) * frameBytes;
  outgoing.fallback = Math.max(outgoing.fallback as number, fitting);
  if (outgoing.given === undefined) outgoing.value = outgoing.fallback;
  else if ((outgoing.value as number) < fitting) {
    const frames = `${1 + LARGE_ANSWERS_MAX} times limits.maxFrameBytes, which is ${frameBytes}`;
    problems.push(wrong(outgoing.given, `${fitting} or more: 1 MiB and ${frames}`));
  }
}

/** A certificate needs its key, and who is to be checked needs whom to check by. */
function checkTls(resolved: ReadonlyMap<SettingKey, Resolved>, problems: string[]): void {
  const needs = (key: SettingKey, other: SettingKey, isSet = resolved.get(key)?.value !== undefined) => {
    if (!isSet || resolved.get(other)?.value !== undefined) return;
    problems.push(`${resolved.get(key)?.given?.place}: ${key} is set and ${other} is not; it needs that too`);
  };
  needs('tls.cert', 'tls.key');
  needs('tls.key', 'tls.cert');
  needs('tls.ca', 'tls.cert');
  const isAsked = resolved.get('tls.clientCertificates')?.value !== 'none';
  needs('tls.clientCertificates', 'tls.ca', isAsked);
}

function wrong(given: GivenSetting, expected: string): string {
  const what = given.source === 'environment' ? given.place : `${given.place}: ${given.key}`;
  return `${what} is ${shownValue(given.value)}; it must be ${expected}`;
}

function absolute(path: Value, folder: string): Value {
  return typeof path !== 'string' || path === ':memory:' ? path : resolve(folder, path);
}

function settingsOf(resolved: ReadonlyMap<SettingKey, Resolved>): Settings {
  const settings: Record<string, unknown> = {};
  for (const [key, { value }] of resolved) {
    const [name, nested] = key.split('.') as [string, string | undefined];
    if (nested === undefined) settings[name] = value;
    else settings[name] = { ...(settings[name] as object | undefined), [nested]: value };
  }
  return settings as unknown as Settings;
}
