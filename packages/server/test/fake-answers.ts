import type { GroupInfo, ScheduleSummary, StreamSummary } from '@simplemq/protocol';

/** What a FakeEngine tells of any stream, group and schedule. */
export const SUMMARY: StreamSummary = {
  name: 'orders',
  storage: 'file',
  retention: 'work',
  createdAt: 0,
  messages: 0,
  bytes: 0,
  nextSequence: 1,
  firstSequence: 1,
  delayed: 0,
  maxAgeMs: 0,
  maxBytes: 0,
  maxMessages: 0,
  overflow: 'reject',
  dedupWindowMs: 0,
  expireAfterMs: 0,
  groups: [],
};

export const GROUP: GroupInfo = {
  name: 'billing',
  stream: 'orders',
  followers: 1,
  lag: 2,
  pending: 3,
  redelivered: 4,
  ackFloor: 5,
  createdAt: 6,
  readPosition: 7,
  deadLettered: 8,
  expired: 9,
  oldestUnackedMs: 10,
  options: { retry: { maxDeliveries: 20, factor: 1.5 }, ordering: 'key', exclusive: false },
};

export const SCHEDULE: ScheduleSummary = {
  name: 'nightly',
  stream: 'orders',
  cron: '0 3 * * *',
  timezone: 'Europe/Berlin',
  paused: false,
  nextAt: 1_767_323_045_678,
};
