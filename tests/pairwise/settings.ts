import type { GroupOptions, StreamOptions } from '@simplemq/protocol';
import { coveringArray, type Options } from './covering-array.ts';

/** What a run is like: its stream, its groups, its messages, its load. */
export interface Settings {
  readonly retention: 'work' | 'log';
  /** `beside`: a memory stream of an engine that has a disk for others. */
  readonly storage: 'file' | 'memory' | 'beside';
  readonly limit: 'none' | 'drop-oldest' | 'reject' | 'maxAge';
  readonly groups: 1 | 2 | 3;
  /** Of the group that is made last, when messages are there already. */
  readonly startFrom: 'first' | 'new' | 'sequence';
  readonly ordering: 'none' | 'key';
  readonly keyConcurrency: 0 | 2;
  readonly exclusive: boolean;
  readonly ratePerSecond: 0 | 400;
  readonly yieldEvery: 0 | 2;
  readonly maxDeliveries: 1 | 3 | 20;
  readonly retryMs: 0 | 4;
  readonly deadLetterExpired: boolean;
  readonly priorities: boolean;
  readonly keys: boolean;
  readonly delays: boolean;
  readonly ttl: boolean;
  readonly messageIds: 'none' | 'unique' | 'repeated';
  readonly transactions: boolean;
  readonly prefetch: 1 | 4 | 50;
  readonly cache: 'large' | 'small';
}

const OPTIONS: Options<Settings> = {
  retention: ['work', 'log'],
  storage: ['file', 'memory', 'beside'],
  limit: ['none', 'drop-oldest', 'reject', 'maxAge'],
  groups: [1, 2, 3],
  startFrom: ['first', 'new', 'sequence'],
  ordering: ['none', 'key'],
  keyConcurrency: [0, 2],
  exclusive: [false, true],
  ratePerSecond: [0, 400],
  yieldEvery: [0, 2],
  maxDeliveries: [20, 3, 1],
  retryMs: [0, 4],
  deadLetterExpired: [false, true],
  priorities: [true, false],
  keys: [true, false],
  delays: [false, true],
  ttl: [false, true],
  messageIds: ['none', 'unique', 'repeated'],
  transactions: [true, false],
  prefetch: [4, 1, 50],
  cache: ['large', 'small'],
};

/** Settings in which every pair of values comes up together. */
export const ALL_SETTINGS: readonly Settings[] = coveringArray(OPTIONS);

/** Messages that a stream with a limit may have. */
export const MESSAGES_MAX = 12;
export const AGE_MS_MAX = 250;
/** Batches of a few messages. */
const SMALL_CACHE_BYTES = 300;
const LARGE_CACHE_BYTES: number = 64 * 1024 * 1024;
const JITTER = 0.5;

export function streamOptions({
  retention,
  storage,
  limit,
}: Settings): StreamOptions & { retention: 'work' | 'log' } {
  return {
    retention,
    ...(storage === 'beside' && { storage: 'memory' }),
    ...(limit === 'drop-oldest' && { maxMessages: MESSAGES_MAX, overflow: 'drop-oldest' }),
    ...(limit === 'reject' && { maxMessages: MESSAGES_MAX }),
    ...(limit === 'maxAge' && { maxAgeMs: AGE_MS_MAX }),
  };
}

/** A group with all options set. */
export type GroupSettings = Required<Omit<GroupOptions, 'expireAfterMs' | 'retry'>> & {
  readonly retry: { readonly maxDeliveries: number; readonly delayMs: number; readonly jitter: number };
};

/** @param index which group of the run it is: the first is as the settings have it, the others as other settings */
export function groupSettings(settings: Settings, index: number): GroupSettings {
  const other = (ALL_SETTINGS.indexOf(settings) + 5 * index) % ALL_SETTINGS.length;
  const of = index === 0 ? settings : ALL_SETTINGS[other]!;
  const { ordering, keyConcurrency, exclusive, ratePerSecond, yieldEvery, deadLetterExpired } = of;
  const retry = { maxDeliveries: of.maxDeliveries, delayMs: of.retryMs, jitter: JITTER };
  return { ordering, keyConcurrency, exclusive, ratePerSecond, yieldEvery, deadLetterExpired, retry };
}

export function cacheBytes({ cache }: Settings): number {
  return cache === 'small' ? SMALL_CACHE_BYTES : LARGE_CACHE_BYTES;
}
