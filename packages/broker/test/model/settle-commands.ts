import fc from 'fast-check';
import type { EngineFollower } from '../../src/engine/engine.ts';
import { rangesOf } from '../recording-follower.ts';
import { command, name, upToOrMany, withFollower } from './command.ts';
import type { Held } from './engine-model.ts';
import { bury, fail, giveBack, settleForGood } from './model-stream.ts';
import type { World } from './world.ts';

type Verb = 'ack' | 'nack' | 'reject' | 'release' | 'extend';
const verb: fc.Arbitrary<Verb> = fc.constantFrom(
  'ack',
  'ack',
  'ack',
  'nack',
  'nack',
  'reject',
  'release',
  'extend',
);
/** Of a nack; undefined for as the group has it. */
const delayMs: fc.Arbitrary<number | undefined> = fc.constantFrom(0, 0, undefined, undefined, 1, 7);

/** A part of what the follower holds. */
export const settleHeld = command(
  'settle held',
  fc.record({ verb, who: fc.nat(3), skip: fc.nat(5), take: upToOrMany(15, 1_000), delayMs }),
  (world, { verb: asked, who, skip, take, delayMs: delay }) => {
    withFollower(world, who, (key) => {
      const held = world.model.held(key).slice(skip, skip + take);
      const deliveries = held.map(({ stream, entry }) => {
        return { stream: stream.name, sequence: entry.message.sequence, attempt: entry.attempt };
      });
      settle(world, key, asked, deliveries, delay);
    });
  },
);

/** Any range: right in parts, stale, acked long ago, of another follower, never there. */
export const settleAny = command(
  'settle any',
  fc.record({
    verb,
    who: fc.nat(3),
    stream: name,
    first: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1_000, max: 1_040 })),
    count: upToOrMany(20, 1_500),
    attempt: fc.constantFrom(1, 1, 1, 2, 3),
    delayMs,
  }),
  (world, { verb: asked, who, stream, first, count, attempt, delayMs: delay }) => {
    withFollower(world, who, (key) => {
      const range = Array.from({ length: count }, (_, index) => ({
        stream,
        sequence: first + index,
        attempt,
      }));
      settle(world, key, asked, range, delay);
    });
  },
);

function settle(
  world: World,
  key: number,
  asked: Verb,
  deliveries: Parameters<typeof rangesOf>[0],
  delay: number | undefined,
): void {
  const entries = rangesOf(deliveries);
  const stale = entries.flatMap(({ stream, ranges }) =>
    ranges.flatMap((part) => {
      const range = { stream, ...part };
      // It is rejected when it has come again, if it was meant.
      const isNack = asked === 'reject' && world.model.mayMeanFormer(key, range);
      const change = isNack ? CHANGES.nack : CHANGES[asked];
      return world.model.settle(key, range, asked === 'ack', (held) => change(held, delayOf(asked, delay)));
    }),
  );
  world.askForStale(ASKS[asked](world.followers.get(key)!.engineFollower, entries, delay), stale);
}

/** A reject has none. */
function delayOf(asked: Verb, delay: number | undefined): number | undefined {
  return asked === 'reject' ? undefined : delay;
}

const CHANGES: Record<Verb, (held: Held, delay: number | undefined) => void> = {
  ack: ({ entry }) => settleForGood(entry),
  nack: ({ stream, group, entry }, delay) => fail(stream, group, entry, delay),
  reject: ({ stream, group, entry }) => bury(stream, group, entry, 'rejected'),
  release: ({ entry }) => giveBack(entry, 0, 0),
  extend: () => {},
};

type Entries = Parameters<EngineFollower['ack']>[0];
type Ask = (
  follower: EngineFollower,
  entries: Entries,
  delay: number | undefined,
) => ReturnType<EngineFollower['ack']>;

const ASKS: Record<Verb, Ask> = {
  ack: (follower, entries) => follower.ack(entries),
  nack: (follower, entries, delay) => follower.nack(entries, delay === undefined ? {} : { delayMs: delay }),
  reject: (follower, entries) => follower.reject(entries, { reason: 'not to be used' }),
  release: (follower, entries) => follower.release(entries),
  extend: (follower, entries) => follower.extend(entries),
};
