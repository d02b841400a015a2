import {
  type ConfirmedStream,
  type DeadLetterPage,
  ERROR_CODES,
  type GroupInfo,
  type GroupOptions,
  type GroupSummary,
  type ScheduleSummary,
  type SequenceRange,
  type StartFrom,
  type StreamOptions,
  type StreamRanges,
  type StreamSummary,
  type WireBind,
} from '@simplemq/protocol';
import fc from 'fast-check';

/** A record with all of `required` and any of `optional`. */
export function fields<Required, Optional = unknown>(
  required: { [K in keyof Required]: fc.Arbitrary<Required[K]> },
  optional?: { [K in keyof Optional]: fc.Arbitrary<Optional[K]> },
): fc.Arbitrary<Required & Partial<Optional>> {
  const requiredKeys = Object.keys(required) as never[];
  const model = { ...required, ...optional } as Record<string, fc.Arbitrary<unknown>>;
  return fc.record(model, { requiredKeys, noNullPrototype: true }) as fc.Arbitrary<
    Required & Partial<Optional>
  >;
}

export const text: fc.Arbitrary<string> = fc.string({ unit: 'binary', maxLength: 40 });
/** 0 to 2^53 - 1, small ones as often as large ones. */
export const whole: fc.Arbitrary<number> = fc.oneof(fc.nat(300), fc.nat(0xffff_ffff), fc.maxSafeNat());
export const flag: fc.Arbitrary<boolean> = fc.boolean();
export const strings: fc.Arbitrary<string[]> = fc.array(text, { maxLength: 4 });
export const wholes: fc.Arbitrary<number[]> = fc.array(whole, { maxLength: 4 });
const fraction: fc.Arbitrary<number> = fc.double({ min: 0, max: 1e9, noNaN: true });

/** msgpackr renames the key `__proto__`, so that it cannot replace a prototype. */
export const headers: fc.Arbitrary<Record<string, string>> = fc.dictionary(
  text.filter((name) => name !== '__proto__'),
  text,
  { maxKeys: 4, noNullPrototype: true },
);

export const bind: fc.Arbitrary<WireBind> = fc.oneof(
  text.map((stream) => ({ stream })),
  text.map((pattern) => ({ pattern })),
);

export const startFrom: fc.Arbitrary<StartFrom> = fc.oneof(
  fc.constantFrom('first' as const, 'new' as const),
  whole.map((sequence) => ({ sequence })),
  whole.map((time) => ({ time })),
);

const range: fc.Arbitrary<SequenceRange> = fc
  .tuple(fc.integer({ min: 1, max: 2 ** 52 }), fc.nat(0xffff_ffff), fc.integer({ min: 1, max: 1000 }))
  .map(([first, length, attempt]) => ({ first, last: first + length, attempt }));

export const ranges: fc.Arbitrary<StreamRanges[]> = fc.array(
  fields<StreamRanges>({ stream: text, ranges: fc.array(range, { maxLength: 5 }) }),
  { maxLength: 4 },
);

/** Pairs of a record's index and a number. */
const pairs: fc.Arbitrary<number[]> = fc
  .array(fc.tuple(fc.nat(65_535), whole), { minLength: 1, maxLength: 3 })
  .map((list) => list.flat());

export const confirmed: fc.Arbitrary<ConfirmedStream[]> = fc.uniqueArray(
  fields({ stream: text, first: whole }, { duplicates: pairs, delayed: pairs }),
  { maxLength: 4, selector: ({ stream }) => stream },
);

export const streamOptions: fc.Arbitrary<StreamOptions> = fields(
  {},
  {
    storage: text,
    retention: text,
    maxAgeMs: whole,
    maxBytes: whole,
    maxMessages: whole,
    overflow: text,
    dedupWindowMs: whole,
    expireAfterMs: whole,
  },
);

const groupSummary: fc.Arbitrary<GroupSummary> = fields<GroupSummary>({
  name: text,
  followers: whole,
  lag: whole,
  pending: whole,
  redelivered: whole,
  ackFloor: whole,
});

export const summary: fc.Arbitrary<StreamSummary> = fields<StreamSummary>({
  name: text,
  storage: text,
  retention: text,
  createdAt: whole,
  messages: whole,
  bytes: whole,
  nextSequence: whole,
  firstSequence: whole,
  delayed: whole,
  maxAgeMs: whole,
  maxBytes: whole,
  maxMessages: whole,
  overflow: text,
  dedupWindowMs: whole,
  expireAfterMs: whole,
  groups: fc.array(groupSummary, { maxLength: 3 }),
});

export const groupOptions: fc.Arbitrary<GroupOptions> = fields(
  {},
  {
    retry: fields(
      {},
      { maxDeliveries: whole, delayMs: whole, factor: fraction, maxDelayMs: whole, jitter: fraction },
    ),
    ordering: text,
    exclusive: flag,
    keyConcurrency: whole,
    ratePerSecond: fraction,
    yieldEvery: whole,
    deadLetterExpired: flag,
    expireAfterMs: whole,
  },
);

export const groupInfo: fc.Arbitrary<GroupInfo> = fc
  .tuple(
    groupSummary,
    fields(
      {
        stream: text,
        createdAt: whole,
        readPosition: whole,
        deadLettered: whole,
        expired: whole,
        options: groupOptions,
      },
      { oldestUnackedMs: whole },
    ),
  )
  .map(([group, more]) => ({ ...group, ...more }));

export const deadLetterPage: fc.Arbitrary<DeadLetterPage> = fields(
  { stream: text },
  {
    filter: fields({}, { group: text, since: whole, until: whole, error: text, headers, sequences: wholes }),
    after: whole,
    limit: whole,
  },
);

export const schedule: fc.Arbitrary<ScheduleSummary> = fields(
  { name: text, stream: text, cron: text, timezone: text, paused: flag },
  { nextAt: whole, lastAt: whole },
);

export const errorCode = fc.constantFrom(...ERROR_CODES);
