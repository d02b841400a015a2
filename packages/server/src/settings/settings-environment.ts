import { DEFINITIONS, SETTING_KEYS, variableOf } from './definitions.ts';
import type { GivenSetting, GivenSettings } from './given.ts';

/**
 * What the environment gives: SIMPLEMQ_HOST, SIMPLEMQ_LIMITS_MAX_CONNECTIONS … An empty variable counts as not set, and
 * other SIMPLEMQ_ variables are left alone: orchestrators set some of their own.
 */
export function readEnvironment(variables: NodeJS.ProcessEnv): GivenSettings {
  const given: GivenSetting[] = [];
  for (const key of SETTING_KEYS) {
    const place = variableOf(key);
    const text = variables[place]?.trim();
    if (text === undefined || text === '') continue;
    const value = DEFINITIONS[key].kind.fromText?.(text) ?? text;
    given.push({ key, value, source: 'environment', place, folder: process.cwd() });
  }
  return { given, problems: [] };
}
