import { type GivenSetting, type GivenSettings, isGroup, isSettingKey, unknownSetting } from './given.ts';

/** What the caller of startServer gives; undefined counts as not given. */
export function readOptions(options: Readonly<Record<string, unknown>>): GivenSettings {
  const given: GivenSetting[] = [];
  const problems: string[] = [];
  readLevel(options, '', given, problems);
  return { given, problems };
}

function readLevel(
  level: Readonly<Record<string, unknown>>,
  prefix: string,
  given: GivenSetting[],
  problems: string[],
): void {
  for (const name of Object.keys(level)) {
    const key = prefix + name;
    const value = level[name];
    if (value === undefined) continue;
    if (isSettingKey(key)) {
      given.push({ key, value, source: 'code', place: 'startServer', folder: process.cwd() });
    } else if (!isGroup(key)) problems.push(`startServer: ${unknownSetting(key)}`);
    else if (typeof value === 'object' && value !== null) {
      readLevel(value as Record<string, unknown>, `${key}.`, given, problems);
    } else problems.push(`startServer: ${key} must be an object`);
  }
}
