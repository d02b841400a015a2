/** What an engine may have beyond the least, by the names with which WELCOME and HELLO tell of it. */
export const ENGINE_FEATURES = [
  'groups',
  'startFrom',
  'priority',
  'delay',
  'ttl',
  'dedup',
  'ordering',
  'exclusive',
  'deadLetters',
  'transactions',
  'read',
  'schedules',
  'retention',
  'backup',
] as const;

/** What a server has by itself, whatever its engine. */
export const SERVER_FEATURES = ['health', 'reload'] as const;

export const FEATURES: readonly Feature[] = [...ENGINE_FEATURES, ...SERVER_FEATURES];

export type Feature = (typeof ENGINE_FEATURES)[number] | (typeof SERVER_FEATURES)[number];
