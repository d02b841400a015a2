import { StorageFull } from '@simplemq/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EmbeddedEngine } from '../../src/engine/embedded-engine.ts';
import { batchOf } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { type Delivery, RecordingFollower, rangesOf } from '../recording-follower.ts';
import { turns } from '../test-engine.ts';

const bind = { stream: 's' };
/** The first stays as it is, and has a follower; the others come, are moved and go. */
const GROUPS = ['main', 'b', 'c'];
const options = { retry: { maxDeliveries: 1000, delayMs: 0 } };

type Place = 'first' | 'new';

/** A work queue on a disk that has no room now and then. */
class World {
  readonly #store = new FakeStore();
  #engine!: EmbeddedEngine;
  #follower!: RecordingFollower;
  #isFull = false;
  /** What was asked and is not awaited yet. */
  readonly #asked: Promise<unknown>[] = [];
  readonly #confirmed = new Set<string>();
  readonly #settled = new Set<Delivery>();
  readonly #came = new Set<string>();
  /** Those whose acks were refused, which have to come again. */
  readonly #toCome = new Set<number>();
  #published = 0;
  #purgedTo = 0;

  async open(): Promise<void> {
    this.#store.beforeCommit = async ({ batches, dedup, delayed }) => {
      // More comes meanwhile.
      await turns(2);
      if (this.#isFull && batches.length + dedup.length + delayed.length > 0)
        throw new StorageFull('no room');
    };
    await this.#start();
    await this.#engine.createStream('s', { retention: 'work' });
    await this.#follow();
  }

  async #start(): Promise<void> {
    this.#engine = await openOn(this.#store);
  }

  async #follow(): Promise<void> {
    this.#follower = await RecordingFollower.follow(this.#engine, bind, {
      group: 'main',
      options,
    });
    this.#follower.onRun = (deliveries) => {
      for (const { sequence, body } of deliveries) {
        this.#came.add(body);
        this.#toCome.delete(sequence);
      }
    };
    this.#follower.credit(1000);
    this.#settled.clear();
  }

  publish(count: number): void {
    const bodies = Array.from({ length: count }, () => `${this.#published++}`);
    const published = this.#engine.publish({ bind, batch: batchOf(...bodies) });
    this.#ask(published.then(() => bodies.forEach((body) => void this.#confirmed.add(body))));
  }

  settle(how: 'ack' | 'fail' | 'reject' | 'transact', count: number): void {
    const held = this.#follower.deliveries.filter((delivery) => !this.#settled.has(delivery)).slice(0, count);
    if (held.length === 0) return;
    for (const delivery of held) this.#settled.add(delivery);
    if (how === 'ack') this.#ask(this.#follower.ack(...held));
    else if (how === 'transact') this.#transact(held);
    else if (how === 'fail') this.#ask(this.#follower.fail(held));
    // That waits until there is room for the dead letters.
    else void this.#follower.reject(held).catch(() => undefined);
  }

  #transact(held: readonly Delivery[]): void {
    const body = `${this.#published++}`;
    const acks = [{ follower: this.#follower.engineFollower, entries: rangesOf(held) }];
    const done = this.#engine.transaction({ publishes: [{ bind, batch: batchOf(body) }], acks });
    // They are back before the answer is, and may have come again.
    for (const { sequence } of held) this.#toCome.add(sequence);
    this.#ask(
      done.then(() => {
        this.#confirmed.add(body);
        for (const { sequence } of held) this.#toCome.delete(sequence);
      }),
    );
  }

  full(isFull: boolean): void {
    this.#isFull = isFull;
  }

  /** Makes the group, or moves it if it is there. */
  begin(group: string, startFrom: Place): void {
    const request = { stream: 's', group, startFrom };
    const created = this.#engine.createGroup(request);
    this.#ask(created.then((isNew) => (isNew ? undefined : this.#engine.resetGroup(request))));
  }

  delete(group: string): void {
    this.#ask(this.#engine.deleteGroup('s', group));
  }

  /** All but the last messages go, and are not missed. */
  purge(back: number): void {
    const sequence = Math.max(1, ...this.#follower.sequences) - back;
    if (sequence < 1) return;
    this.#purgedTo = Math.max(this.#purgedTo, sequence);
    this.#confirmed.clear();
    this.#ask(this.#engine.purgeStream({ stream: 's', sequence }));
  }

  async answers(): Promise<void> {
    await Promise.all(this.#asked.splice(0));
  }

  async restart(): Promise<void> {
    await this.answers();
    await this.#engine.close();
    await this.#start();
    await this.#follow();
  }

  /** What is told of the stream is what its groups need and what can be read, once what died is buried. */
  async check(): Promise<void> {
    await this.answers();
    this.#isFull = false;
    const { groups } = await this.#engine.streamInfo('s');
    for (const { name } of groups) {
      if (name !== 'main') await RecordingFollower.follow(this.#engine, bind, { group: name, credit: 1000 });
      await expect.poll(async () => (await this.#engine.groupInfo('s', name)).lag, { interval: 1 }).toBe(0);
    }
    await expect.poll(() => this.#difference(), { interval: 1, timeout: 5_000 }).toBeUndefined();
  }

  async #difference(): Promise<object | undefined> {
    const { messages, groups } = await this.#engine.streamInfo('s');
    const pending = await Promise.all(groups.map(({ name }) => this.#pending(name)));
    const needed = new Set(pending.flat());
    const there = await this.#sequences();
    const missing = [...needed].filter((sequence) => !there.includes(sequence));
    return messages === needed.size && missing.length === 0
      ? undefined
      : { messages, needed: [...needed], there };
  }

  /** When all others are gone, and it has all acked, nothing is left; each confirmed message came, or is dead. */
  async drain(): Promise<void> {
    for (const group of GROUPS.slice(1)) await this.#engine.deleteGroup('s', group).catch(() => undefined);
    await this.restart();
    for (let had = -1; had < this.#follower.deliveries.length; await turns(20)) {
      had = this.#follower.deliveries.length;
      this.settle('ack', 1000);
      await this.answers();
    }
    const isOver = async (): Promise<unknown> => [
      (await this.#engine.streamInfo('s')).messages,
      await this.#sequences(),
    ];
    await expect.poll(isOver, { interval: 5 }).toEqual([0, []]);
    const isMissing = [...this.#confirmed].filter((body) => !this.#came.has(body));
    const toCome = [...this.#toCome].filter((sequence) => sequence >= this.#purgedTo);
    expect([isMissing, toCome]).toEqual([[], []]);
    await this.#engine.close();
  }

  async #sequences(): Promise<number[]> {
    const { runs } = await this.#engine.read({ stream: 's' });
    return runs.flatMap(({ first, count }) => Array.from({ length: count }, (_, index) => first + index));
  }

  async #pending(group: string): Promise<number[]> {
    const { entries } = await this.#engine.pending({ stream: 's', group });
    return entries.flatMap(({ first, last }) =>
      Array.from({ length: last - first + 1 }, (_, index) => first + index),
    );
  }

  #ask(asked: Promise<unknown>): void {
    this.#asked.push(asked.catch(() => undefined));
  }
}

/** As plain data, so that a failure tells them. */
type Step =
  | { readonly do: 'publish'; readonly count: number }
  | { readonly do: 'settle'; readonly how: 'ack' | 'fail' | 'reject' | 'transact'; readonly count: number }
  | { readonly do: 'begin'; readonly group: string; readonly at: Place }
  | { readonly do: 'delete'; readonly group: string }
  | { readonly do: 'pause'; readonly turns: number }
  | { readonly do: 'purge'; readonly back: number }
  | { readonly do: 'full' | 'not full' | 'answers' | 'restart' };

const group = fc.constantFrom('b', 'c');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      how: fc.constantFrom('ack' as const, 'fail' as const, 'reject' as const, 'transact' as const),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('begin' as const),
      group,
      at: fc.constantFrom<Place>('first', 'new'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), group }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('purge' as const), back: fc.nat(4) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('pause' as const), turns: fc.integer({ min: 1, max: 6 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'full' as const,
        'full' as const,
        'not full' as const,
        'answers' as const,
        'restart' as const,
      ),
    }),
  },
);

async function take(world: World, step: Step): Promise<void> {
  if (step.do === 'publish') world.publish(step.count);
  else if (step.do === 'settle') world.settle(step.how, step.count);
  else if (step.do === 'begin') world.begin(step.group, step.at);
  else if (step.do === 'delete') world.delete(step.group);
  else if (step.do === 'pause') await turns(step.turns);
  else if (step.do === 'purge') world.purge(step.back);
  else if (step.do === 'answers') await world.answers();
  else if (step.do === 'restart') await world.restart();
  else world.full(step.do === 'full');
}

test('a work queue counts what its groups need, and loses nothing, when what was asked is refused while groups come and go', async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
    const world = new World();
    await world.open();
    for (const step of steps) await take(world, step);
    await world.check();
    await world.drain();
  });
  await fc.assert(property, { numRuns: 300 });
});
