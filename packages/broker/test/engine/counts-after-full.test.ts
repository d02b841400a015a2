import { StorageFull } from '@simplemq/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EmbeddedEngine } from '../../src/engine/embedded-engine.ts';
import { batchOf } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { turns } from '../test-engine.ts';

const bind = { stream: 's' };
const GROUPS = ['a', 'b', 'c'];

/** A stream on a disk that has no room now and then. */
class World {
  readonly #store = new FakeStore();
  #engine!: EmbeddedEngine;
  #isFull = false;
  /** What was asked and is not awaited yet. */
  readonly #asked: Promise<unknown>[] = [];

  async open(): Promise<void> {
    this.#store.beforeCommit = async ({ batches }) => {
      // More comes meanwhile.
      await turns(2);
      if (this.#isFull && batches.length > 0) throw new StorageFull('no room');
    };
    this.#engine = await openOn(this.#store);
    await this.#engine.createStream('s', { retention: 'log' });
  }

  async publish(count: number, isSoon: boolean): Promise<void> {
    const batch = batchOf(...Array.from({ length: count }, () => 'x'));
    this.#ask(this.#engine.publish({ bind, batch }));
    if (!isSoon) await turns(1);
  }

  full(isFull: boolean): void {
    this.#isFull = isFull;
  }

  /** Makes the group, or moves it if it is there. */
  begin(group: string, startFrom: 'first' | 'new'): void {
    const request = { stream: 's', group, startFrom };
    const created = this.#engine.createGroup(request);
    this.#ask(created.then((isNew) => (isNew ? undefined : this.#engine.resetGroup(request))));
  }

  async purgeHalf(): Promise<void> {
    await this.settle();
    const { firstSequence, nextSequence } = await this.#engine.streamInfo('s');
    const sequence = Math.floor((firstSequence + nextSequence) / 2);
    await this.#engine.purgeStream({ stream: 's', sequence });
  }

  trim(): void {
    this.#ask(this.#engine.updateStream('s', { maxMessages: 7, overflow: 'drop-oldest' }));
  }

  async settle(): Promise<void> {
    await Promise.all(this.#asked.splice(0));
  }

  async restart(): Promise<void> {
    await this.settle();
    await this.#engine.close();
    this.#engine = await openOn(this.#store);
  }

  /** What is told of the stream and its groups, none of which was ever followed, is what can be read. */
  async check(): Promise<void> {
    await this.settle();
    const { messages, groups } = await this.#engine.streamInfo('s');
    const { runs } = await this.#engine.read({ stream: 's' });
    const there = runs.flatMap(({ first, count }) =>
      Array.from({ length: count }, (_, index) => first + index),
    );
    const told: Record<string, number> = { messages };
    const read: Record<string, number> = { messages: there.length };
    for (const { name, lag } of groups) {
      const { readPosition } = await this.#engine.groupInfo('s', name);
      told[name] = lag;
      read[name] = there.filter((sequence) => sequence >= readPosition).length;
    }
    expect(told).toEqual(read);
    await this.#engine.close();
  }

  #ask(asked: Promise<unknown>): void {
    this.#asked.push(asked.catch(() => undefined));
  }
}

type Step = (world: World) => Promise<void> | void;

const publish: fc.Arbitrary<Step> = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.boolean())
  .map((given) => (world) => world.publish(...given));
const begin: fc.Arbitrary<Step> = fc
  .tuple(fc.constantFrom(...GROUPS), fc.constantFrom('first' as const, 'new' as const))
  .map((given) => (world) => world.begin(...given));
const other: fc.Arbitrary<Step> = fc.constantFrom<Step>(
  (world) => world.full(true),
  (world) => world.full(true),
  (world) => world.full(false),
  (world) => world.purgeHalf(),
  (world) => world.trim(),
  (world) => world.settle(),
  (world) => world.restart(),
);

test('a stream tells how many messages it has, and a group how many are to come, after some were refused for want of room', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.oneof(publish, begin, other), { maxLength: 30 }),
    async (steps) => {
      const world = new World();
      await world.open();
      for (const step of steps) await step(world);
      await world.check();
    },
  );
  await fc.assert(property, { numRuns: 200 });
});
