import type { GroupOptions, StreamOptions } from '@simplemq/protocol';

/** The streams that may be there, and what each is like. */
export const STREAMS: Readonly<Record<string, StreamOptions & { readonly retention: 'work' | 'log' }>> = {
  a1: { retention: 'work' },
  a2: { retention: 'log' },
  b1: { retention: 'work' },
};

const RETRY = { factor: 1, jitter: 0 };

/** The groups that a stream may have, and what each is like: one that is the default, one by key, one that gives up. */
export const GROUPS: Readonly<Record<string, GroupOptions>> = {
  workers: { retry: { ...RETRY, delayMs: 0 } },
  keyed: { retry: { ...RETRY, delayMs: 0, maxDeliveries: 4 }, ordering: 'key' },
  brittle: { retry: { ...RETRY, delayMs: 5, maxDeliveries: 2 } },
};
