import { DEFINITIONS, SETTING_KEYS } from './definitions.ts';
import type { SettingKey, Settings } from './settings.ts';

/** What a reload changed, and what it could not. */
export interface Reloaded {
  readonly changed: readonly SettingKey[];
  /** Settings that have another value by now, which only a restart brings. */
  readonly needRestart: readonly SettingKey[];
}

type Values = Record<string, unknown>;

/** The settings that a server runs with. Whoever holds `settings` sees what a reload changes. */
export class LiveSettings {
  readonly settings: Settings;

  constructor(settings: Settings) {
    this.settings = structuredClone(settings);
  }

  /** Takes over what may change while the server runs. */
  apply(next: Settings): Reloaded {
    const changed: SettingKey[] = [];
    const needRestart: SettingKey[] = [];
    for (const key of SETTING_KEYS) {
      const [holder, name] = placeOf(this.settings, key);
      const [nextHolder] = placeOf(next, key);
      if (holder[name] === nextHolder[name]) continue;
      if (DEFINITIONS[key].changes === 'restart') needRestart.push(key);
      else {
        holder[name] = nextHolder[name];
        changed.push(key);
      }
    }
    return { changed, needRestart };
  }
}

/** The object that has the setting, and its name there. */
function placeOf(settings: Settings, key: SettingKey): [holder: Values, name: string] {
  const [first, nested] = key.split('.') as [string, string | undefined];
  const values = settings as unknown as Values;
  return nested === undefined ? [values, first] : [values[first] as Values, nested];
}
