import { isDeepStrictEqual } from 'node:util';
import { expect, vi } from 'vitest';
import type { EmbeddedEngine } from '../../../src/engine/embedded-engine.ts';
import { batchOf, readBack } from '../../batches.ts';
import { FakeStore, openOn } from '../../fake-store.ts';
import { type Delivery, RecordingFollower, rangesOf } from '../../recording-follower.ts';
import { turns } from '../../test-engine.ts';
import { Fates } from './fates.ts';
import { OneRun, type Room } from './one-run.ts';
import type { Kind, Place, Publish, Settlement } from './steps.ts';

const bind = { stream: 's' };
const options = { retry: { maxDeliveries: 1000, delayMs: 0 } };

/** A work queue with its dead letters, and another stream, on a disk that has no room now and then. */
export class World {
  readonly #kind: Kind;
  readonly #disk: { room: Room; isSlow: boolean };
  readonly #store = new FakeStore();
  readonly #fates = new Fates();
  #run!: OneRun;
  #engine!: EmbeddedEngine;
  #follower!: RecordingFollower;
  /** What was asked and is not awaited yet. */
  readonly #asked: Promise<unknown>[] = [];
  readonly #settled = new Set<Delivery>();

  constructor(kind: Kind, isSlow: boolean) {
    this.#kind = kind;
    this.#disk = { room: 'for all', isSlow };
  }

  async open(): Promise<void> {
    const { storage } = this.#kind;
    await this.#start();
    await this.#engine.createStream('s', { retention: 'work', storage, dedupWindowMs: 3_600_000 });
    await this.#engine.createStream('other', { storage: storage === 'file' ? 'memory' : 'file' });
    await this.#engine.createGroup({ stream: 's', group: 'main', options });
    await this.#follow();
  }

  async #start(): Promise<void> {
    this.#run = new OneRun(this.#store, this.#disk);
    this.#engine = await openOn(this.#run, this.#disk.isSlow ? { cacheBytesMax: 1 } : {});
  }

  async #follow(): Promise<void> {
    const run = this.#run;
    this.#follower = await RecordingFollower.follow(this.#engine, bind, { group: 'main' });
    this.#follower.onRun = (deliveries) => {
      if (!run.isKilled) this.#fates.come(deliveries);
    };
    this.#follower.credit(1000);
    this.#settled.clear();
  }

  publish({ count, priority, delayMs, id }: Publish): void {
    const bodies = this.#fates.publish(count);
    const records = bodies.map((body, index) => ({
      body,
      ...(priority !== 1 && index % 2 === 0 && { priority }),
      ...(delayMs > 0 && { delayMs }),
      ...(id > 0 && { messageId: `${id}.${index}` }),
    }));
    for (const { body, messageId } of records) if (messageId) this.#fates.share(messageId, body);
    const published = this.#engine.publish({ bind, batch: batchOf(...records) });
    this.#ask(published.then(() => this.#fates.confirm(bodies, { isDelayed: delayMs > 0, hasIds: id > 0 })));
  }

  settle(how: Settlement, count: number): void {
    const held = this.#follower.deliveries.filter((delivery) => !this.#settled.has(delivery)).slice(0, count);
    if (held.length === 0) return;
    for (const delivery of held) this.#settled.add(delivery);
    if (how === 'ack') this.#ask(this.#follower.ack(...held).then((stale) => this.#fates.ack(held, stale)));
    else if (how === 'transact') this.#transact(held);
    else if (how === 'fail') this.#ask(this.#follower.fail(held));
    else this.#reject(held);
  }

  #reject(held: readonly Delivery[]): void {
    this.#fates.reject(held);
    // That waits until there is room for the dead letters.
    void this.#follower.reject(held).catch(() => undefined);
  }

  #transact(held: readonly Delivery[]): void {
    const bodies = this.#fates.publish(1);
    const acks = [{ follower: this.#follower.engineFollower, entries: rangesOf(held) }];
    // They are back before the answer is, and may have come again.
    this.#fates.haveToCome(held);
    const done = this.#engine.transaction({ publishes: [{ bind, batch: batchOf(...bodies) }], acks });
    const isDone = (): void => {
      this.#fates.confirm(bodies);
      this.#fates.ack(held);
    };
    const isRefused = ({ code }: { code?: string }): void => {
      if (code !== 'StorageFull') this.#fates.mayNotCome(held);
      // One of them was, and the others are still held.
      if (code === 'StaleAck') for (const delivery of held) this.#settled.delete(delivery);
    };
    this.#ask(done.then(isDone, isRefused));
  }

  /** Makes the group, or moves it if it is there. */
  begin(group: string, startFrom: Place): void {
    const engine = this.#engine;
    const request = { stream: 's', group, startFrom };
    const created = engine.createGroup(request);
    this.#ask(created.then((isNew) => (isNew ? undefined : engine.resetGroup(request))));
  }

  delete(group: string): void {
    this.#ask(this.#engine.deleteGroup('s', group));
  }

  update(group: string, maxDeliveries: number): void {
    this.#ask(this.#engine.updateGroup('s', group, { retry: { maxDeliveries, delayMs: 0 } }));
  }

  limit(maxMessages: number): void {
    this.#fates.mayBeGone(Number.POSITIVE_INFINITY);
    this.#ask(this.#engine.updateStream('s', { maxMessages, overflow: 'drop-oldest' }));
  }

  /** All but the last messages go. */
  purge(back: number): void {
    const sequence = Math.max(1, ...this.#follower.sequences) - back;
    if (sequence < 1) return;
    this.#fates.mayBeGone(sequence);
    this.#ask(this.#engine.purgeStream({ stream: 's', sequence }));
  }

  redrive(limit: number): void {
    this.#ask(this.#engine.redrive({ stream: 's', limit }));
  }

  deleteDead(limit: number): void {
    this.#fates.deadMayBeGone();
    this.#ask(this.#engine.deleteDeadLetters({ stream: 's', limit }));
  }

  purgeDead(back: number): void {
    const engine = this.#engine;
    this.#fates.deadMayBeGone();
    const looked = engine.streamInfo('$dead.s');
    const purge = (sequence: number) => engine.purgeStream({ stream: '$dead.s', sequence });
    this.#ask(looked.then(({ nextSequence }) => purge(nextSequence - back)));
  }

  cancel(count: number): void {
    const engine = this.#engine;
    this.#fates.delayedMayBeGone();
    const listed = engine.listDelayed({ stream: 's' });
    const cancel = (ids: readonly number[]) => engine.cancelDelayed({ stream: 's', ids });
    this.#ask(listed.then(({ entries }) => cancel(entries.slice(0, count).map(({ id }) => id))));
  }

  publishToOther(): void {
    this.#ask(this.#engine.publish({ bind: { stream: 'other' }, batch: batchOf('x') }));
  }

  makeOtherAnew(): void {
    this.#ask(this.#engine.deleteStream('other'));
    this.#ask(this.#engine.createStream('other', { storage: 'file' }));
    this.#ask(this.#engine.createGroup({ stream: 'other', group: 'x' }));
    this.#ask(this.#engine.createGroup({ stream: 'other', group: 'y' }));
    this.#ask(this.#engine.deleteGroup('other', 'x'));
  }

  room(room: Room): void {
    this.#disk.room = room;
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

  async kill(): Promise<void> {
    this.#run.isKilled = true;
    void this.#engine.close().catch(() => undefined);
    await this.answers();
    await this.#start();
    await this.#follow();
  }

  /** What is told of the streams is what can be read, and what the groups need, once what died is buried. */
  async check(): Promise<void> {
    await this.answers();
    this.room('for all');
    const { groups } = await this.#engine.streamInfo('s');
    for (const { name } of groups) {
      if (name !== 'main') await RecordingFollower.follow(this.#engine, bind, { group: name, credit: 1000 });
    }
    await untilEqual(
      () => this.#told(),
      () => this.#found(),
    );
  }

  async #told(): Promise<object> {
    const { messages, groups, delayed } = await this.#engine.streamInfo('s');
    const dead = await this.#dead();
    return { messages, lags: groups.map(({ lag }) => lag), missing: [], delayed, dead };
  }

  async #found(): Promise<object> {
    const { groups } = await this.#engine.streamInfo('s');
    const needed = new Set((await Promise.all(groups.map(({ name }) => this.#pending(name)))).flat());
    const there = await this.#sequences('s');
    const { entries } = await this.#engine.listDelayed({ stream: 's' });
    return {
      messages: needed.size,
      lags: groups.map(() => 0),
      missing: [...needed].filter((sequence) => !there.includes(sequence)),
      delayed: entries.reduce((count, { messages }) => count + messages, 0),
      dead: (await this.#dead()) === undefined ? undefined : (await this.#sequences('$dead.s')).length,
    };
  }

  /** When all other groups are gone, and what comes is acked, nothing is left but the dead letters. */
  async drain(): Promise<void> {
    for (const group of ['b', 'c']) await this.#engine.deleteGroup('s', group).catch(() => undefined);
    if (this.#kind.storage === 'file') await this.restart();
    const left = async (): Promise<object> => {
      this.settle('ack', 1000);
      await this.answers();
      const { messages, delayed } = await this.#engine.streamInfo('s');
      return { messages, delayed, there: await this.#sequences('s') };
    };
    await untilEqual(left, async () => ({ messages: 0, delayed: 0, there: [] }));
    const { runs } = await this.#engine.deadLetters({ stream: 's' });
    expect((await this.#dead()) ?? 0).toBe(runs.length);
    this.#fates.check(runs.flatMap((run) => readBack(run).map(({ body }) => body)));
    await this.#engine.close();
  }

  async #dead(): Promise<number | undefined> {
    const info = await this.#engine.streamInfo('$dead.s').catch(() => undefined);
    return info?.messages;
  }

  async #sequences(stream: string): Promise<number[]> {
    const sequences: number[] = [];
    for (let from: number | undefined = 1; from !== undefined; ) {
      const { runs, more, next } = await this.#engine.read({ stream, startFrom: { sequence: from } });
      for (const { first, count } of runs) sequences.push(...between(first, first + count - 1));
      from = more ? next : undefined;
    }
    return sequences;
  }

  async #pending(group: string): Promise<number[]> {
    const { entries } = await this.#engine.pending({ stream: 's', group });
    return entries.flatMap(({ first, last }) => between(first, last));
  }

  #ask(asked: Promise<unknown>): void {
    this.#asked.push(asked.catch(() => undefined));
  }
}

function between(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

const TRIES = 15;

/** What waits for a time is done meanwhile: a second goes by after each look. */
async function untilEqual(actual: () => Promise<object>, wanted: () => Promise<object>): Promise<void> {
  for (let tries = 1; ; tries++) {
    await turns(10);
    const [is, should] = [await actual(), await wanted()];
    if (tries === TRIES || isDeepStrictEqual(is, should)) return expect(is).toEqual(should);
    vi.advanceTimersByTime(1_000);
  }
}
