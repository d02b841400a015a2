/** What a server may have beyond the least, by the names with which WELCOME and HELLO tell of it. */
export const FEATURES = [
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
] as const;

export type Feature = (typeof FEATURES)[number];
