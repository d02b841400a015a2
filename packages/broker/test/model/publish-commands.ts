import type { Attributes } from '@simplemq/protocol';
import fc from 'fast-check';
import { batchOf } from '../batches.ts';
import { bind, command, expectError, expectThat, isMissing, upToOrMany } from './command.ts';
import type { ModelRecord } from './engine-model.ts';
import type { World } from './world.ts';

type Kind = 'plain' | 'keys' | 'priorities' | 'both';
const kind: fc.Arbitrary<Kind> = fc.constantFrom('plain', 'keys', 'priorities', 'both');

/** Runs of priorities, and three keys in turn with some messages that have none. */
const PRIORITIES = [1, 1, 2, 2, 0, 1, 3, 1];
const KEYS = ['k1', 'k2', undefined, 'k1', 'k3'];

function attributesOf(asked: Kind, index: number): Attributes {
  const priority = PRIORITIES[index % PRIORITIES.length]!;
  const key = KEYS[index % KEYS.length];
  const hasKey = (asked === 'keys' || asked === 'both') && key !== undefined;
  const hasPriority = asked === 'priorities' || asked === 'both';
  return { ...(hasPriority && { priority }), ...(hasKey && { key }) };
}

function newRecords(world: World, count: number, asked: Kind): ModelRecord[] {
  return Array.from({ length: count }, (_, index) => {
    return { body: world.model.newBody(), ...attributesOf(asked, index) };
  });
}

export const publish = command(
  'publish',
  fc.tuple(bind, upToOrMany(12, 700), kind),
  (world, [to, count, asked]) => {
    const records = newRecords(world, count, asked);
    const answer = world.engine.publish({ bind: to, batch: batchOf(...records) });
    if (isMissing(world, to)) return world.ask(expectError(answer, 'StreamNotFound'));
    const { placed, messages } = world.model.publish(to, records);
    const durability = world.survives && placed.length > 0 ? 'fsync' : undefined;
    world.ask(
      answer.then((receipt) => {
        for (const message of messages) message.isDurable = true;
        expectThat(JSON.stringify(receipt.streams) === JSON.stringify(placed), JSON.stringify(receipt));
        expectThat(durability === undefined || receipt.durability === durability, receipt.durability);
      }),
    );
  },
);

/** Each of them enters its streams when it is due; nothing else comes in between. */
export const publishLater = command(
  'publish later',
  fc.tuple(bind, fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 }), kind),
  async (world, [to, delays, asked]) => {
    if (isMissing(world, to)) return;
    await world.rest();
    const made = newRecords(world, delays.length, asked);
    const records = made.map((record, index) => ({ ...record, delayMs: delays[index]! }));
    const now = performance.now();
    const { placed, messages } = world.model.publish(
      to,
      made,
      delays.map((delayMs) => now + delayMs),
    );
    const { streams } = await world.engine.publish({ bind: to, batch: batchOf(...records) });
    expectThat(streams.length === placed.length, JSON.stringify(streams));
    for (const { first, delayed = [] } of streams) {
      expectThat(first === 0 && delayed.length === 2 * delays.length, JSON.stringify(streams));
    }
    await world.entered();
    for (const message of messages) message.isDurable = true;
  },
);
