import {
  type ConfirmedStream,
  ERROR_CODES,
  type SequenceRange,
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

export const bind: fc.Arbitrary<WireBind> = fc.oneof(
  text.map((stream) => ({ stream })),
  text.map((pattern) => ({ pattern })),
);

const range: fc.Arbitrary<SequenceRange> = fc
  .tuple(fc.integer({ min: 1, max: 2 ** 52 }), fc.nat(0xffff_ffff), fc.integer({ min: 1, max: 1000 }))
  .map(([first, length, attempt]) => ({ first, last: first + length, attempt }));

export const ranges: fc.Arbitrary<StreamRanges[]> = fc.array(
  fields<StreamRanges>({ stream: text, ranges: fc.array(range, { maxLength: 5 }) }),
  { maxLength: 4 },
);

export const confirmed: fc.Arbitrary<ConfirmedStream[]> = fc.array(
  fields<ConfirmedStream>({ stream: text, first: whole }),
  { maxLength: 4 },
);

export const streamOptions: fc.Arbitrary<StreamOptions> = fields({}, { storage: text, retention: text });

const group = fields({
  name: text,
  followers: whole,
  lag: whole,
  pending: whole,
  redelivered: whole,
  ackFloor: whole,
});

export const summary: fc.Arbitrary<StreamSummary> = fields({
  name: text,
  storage: text,
  retention: text,
  createdAt: whole,
  messages: whole,
  bytes: whole,
  nextSequence: whole,
  groups: fc.array(group, { maxLength: 3 }),
});

export const errorCode = fc.constantFrom(...ERROR_CODES);
