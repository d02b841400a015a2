import type { Fields } from '../envelope/fields.ts';
import { present } from '../envelope/present.ts';

/** How a group hands out its messages. What is left out has the default that the broker names. */
export interface GroupOptions {
  readonly retry?: RetryOptions;
  /** 'key' has one message of a key on its way at a time, in their order; 'none' as credit allows. Default 'none'. */
  readonly ordering?: string;
  /** One follower at a time gets messages; the others stand by. Default false. */
  readonly exclusive?: boolean;
  /** Without ordering by key: messages of one key that may be on their way at a time; 0 for no limit. Default 0. */
  readonly keyConcurrency?: number;
  /** Messages that all followers together get in a second; may be a fraction; 0 for no limit. Default 0. */
  readonly ratePerSecond?: number;
  /** After so many messages of higher priority one of a lower gets its turn; 0 for never, which is the default. */
  readonly yieldEvery?: number;
  /** Whether a message past its ttlMs goes to the dead letters, in place of nowhere. Default false. */
  readonly deadLetterExpired?: boolean;
  /** The group goes when nobody used it for so long, in ms; 0 for never, which is the default. */
  readonly expireAfterMs?: number;
}

/** What becomes of a message that was nacked, or whose lease ran out or whose follower was lost. */
export interface RetryOptions {
  /** A message that failed so many deliveries goes to the dead letters. Default 20. */
  readonly maxDeliveries?: number;
  /** How long the second delivery waits, in ms. Default 100. */
  readonly delayMs?: number;
  /** How many times as long as the one before each further wait is; may be a fraction. Default 2. */
  readonly factor?: number;
  /** No wait is longer, in ms. Default 30,000. */
  readonly maxDelayMs?: number;
  /** The share of each wait, 0 to 1, that is random, so that what failed together does not come back so. Default 0.5. */
  readonly jitter?: number;
}

/** In a request an option that is not known is refused; in an answer, which may tell more, it is passed over. */
type Unknown = 'refuse' | 'ignore';

export function readOptionalGroupOptions(fields: Fields): GroupOptions | undefined {
  const options = fields.optionalMap('options');
  return options && readGroupOptions(options, 'refuse');
}

export function readGroupOptions(fields: Fields, unknown: Unknown): GroupOptions {
  const retry = fields.optionalMap('retry');
  const options = present<GroupOptions>({
    retry: retry && readRetryOptions(retry, unknown),
    ordering: fields.optionalString('ordering'),
    exclusive: fields.optionalBoolean('exclusive'),
    keyConcurrency: fields.optionalInteger('keyConcurrency'),
    ratePerSecond: fields.optionalNumber('ratePerSecond'),
    yieldEvery: fields.optionalInteger('yieldEvery'),
    deadLetterExpired: fields.optionalBoolean('deadLetterExpired'),
    expireAfterMs: fields.optionalInteger('expireAfterMs'),
  });
  if (unknown === 'refuse') fields.end();
  return options;
}

function readRetryOptions(fields: Fields, unknown: Unknown): RetryOptions {
  const retry = present<RetryOptions>({
    maxDeliveries: fields.optionalInteger('maxDeliveries'),
    delayMs: fields.optionalInteger('delayMs'),
    factor: fields.optionalNumber('factor'),
    maxDelayMs: fields.optionalInteger('maxDelayMs'),
    jitter: fields.optionalNumber('jitter'),
  });
  if (unknown === 'refuse') fields.end();
  return retry;
}
