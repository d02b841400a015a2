import { type Attributes, decodeAttributes } from '@simplemq/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Priority } from '../../src/index.ts';
import { PRIORITIES } from '../../src/message/priority.ts';
import { DEDUP, DELAY, PRIORITY, TTL } from '../../src/publisher/features.ts';
import { encodeSendOptions, type SendOptions } from '../../src/publisher/send-options.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc.string({ maxLength: 400 }),
  fc.nat({ max: 70 }).map((length) => 'é'.repeat(length)),
);
const time = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat());
const options: fc.Arbitrary<SendOptions> = fc
  .record(
    {
      headers: fc.dictionary(
        text.filter((name) => name !== '__proto__'),
        text,
        { maxKeys: 20 },
      ),
      key: text,
      messageId: text,
      priority: fc.constantFrom<Priority>(...PRIORITIES),
      ttlMs: time.map((ms) => Math.max(1, ms)),
      delayMs: fc.nat(),
      deliverAt: time,
    },
    { requiredKeys: [] },
  )
  .map(({ delayMs, deliverAt, ...rest }) => ({
    ...rest,
    ...(delayMs !== undefined ? { delayMs } : deliverAt !== undefined && { deliverAt }),
  }));

describe('options of a message', () => {
  it('come out of the attributes as they went in, whatever they are', () => {
    fc.assert(
      fc.property(options, (given) => {
        const { attributes, lane } = encodeSendOptions(given);
        const { priority = 'normal', headers, ...rest } = given;
        const level = PRIORITIES.indexOf(priority);
        const expected: Attributes = {
          ...rest,
          ...(headers !== undefined && Object.keys(headers).length > 0 && { headers }),
          ...(priority !== 'normal' && { priority: level }),
        } as Attributes;
        expect(attributes === undefined ? {} : decodeAttributes(attributes)).toEqual(expected);
        const isDelayed = given.delayMs !== undefined || given.deliverAt !== undefined;
        expect(lane).toBe(level * 2 + (isDelayed ? 1 : 0));
      }),
    );
  });

  it('ask for the features that they need, and for none where they say what is usual', () => {
    expect(encodeSendOptions({ headers: {}, priority: 'normal' })).toMatchObject({
      attributes: undefined,
      features: 0,
    });
    expect(encodeSendOptions({ key: 'k', headers: { a: 'b' } }).features).toBe(0);
    const all = encodeSendOptions({ priority: 'low', ttlMs: 1, messageId: 'x', delayMs: 0 });
    expect(all.features).toBe(PRIORITY | TTL | DEDUP | DELAY);
  });

  it('refuse a header that would not come back by its name', () => {
    const headers = JSON.parse('{"__proto__":"x"}') as Record<string, string>;
    expect(() => encodeSendOptions({ headers })).toThrow(expect.objectContaining({ code: 'InvalidOption' }));
  });

  it('take a Date for deliverAt', () => {
    const { attributes } = encodeSendOptions({ deliverAt: new Date(1_800_000_000_000) });
    expect(decodeAttributes(attributes!)).toEqual({ deliverAt: 1_800_000_000_000 });
  });

  it('are MessageTooLarge past the limit for attributes, in one string or in many', () => {
    const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`name-${i}`, 'x'.repeat(20)]));
    for (const headers of [{ a: 'x'.repeat(65_600) }, { a: '€'.repeat(30_000) }, many]) {
      expect(() => encodeSendOptions({ headers })).toThrow(
        expect.objectContaining({
          code: 'MessageTooLarge',
          details: expect.objectContaining({ max: 65_535 }),
        }),
      );
    }
    expect(encodeSendOptions({ headers: { a: 'x'.repeat(60_000) } }).attributes!.length).toBeGreaterThan(
      60_000,
    );
  });
});
