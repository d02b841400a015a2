import { describe, expect, test } from 'vitest';
import { batchOf, type TestRecord } from '../batches.ts';
import { type Delivery, RecordingFollower } from '../recording-follower.ts';
import { publish } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';

const bind = { stream: 's' };
const byKey = { ordering: 'key', retry: { delayMs: 0 } };

export function ordering({ open, survives }: EngineKind): void {
  describe('ordering by key', () => {
    test('has one message of a key out at a time, and others flow on', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { credit: 100, options: byKey });
      await publish(engine, 's', of('a'), of('a'), of('b'), 'no key', of('b'), of('a'), 'no key', of('c'));
      await follower.until(5);
      expect(follower.sequences).toEqual([1, 3, 4, 7, 8]);
      expect(await engine.groupInfo('s', 'workers')).toMatchObject({ pending: 5, lag: 3 });
      await follower.ack(follower.deliveries[0]!);
      await follower.until(6);
      expect(follower.deliveries[5]).toMatchObject({ sequence: 2, attempt: 1 });
      await follower.ack(...follower.deliveries.slice(1, 6));
      await follower.until(8);
      expect(follower.sequences.slice(6).sort()).toEqual([5, 6]);
      await follower.ack(...follower.deliveries.slice(6));
      expect(await engine.groupInfo('s', 'workers')).toMatchObject({ pending: 0, lag: 0, ackFloor: 8 });
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
    });

    test('delivers what failed again before what comes later of its key', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const follower = await RecordingFollower.follow(opened.engine, bind, { credit: 100, options: byKey });
      await publish(opened.engine, 's', of('a'), of('a'), of('b'), of('b'));
      await follower.until(2);
      // The first of a fails until after a restart, that of b is not handled at all.
      await follower.nack([follower.deliveries[0]!], survives ? 600 : 100);
      if (survives) await opened.restart();
      else follower.close();
      const { engine } = opened;
      const rest = await RecordingFollower.follow(engine, bind, { credit: 100 });
      for (let handled = 0; handled < 4; handled++) {
        await rest.until(handled + 1);
        await rest.ack(rest.deliveries[handled]!);
      }
      const ofKey = (key: string) =>
        rest.deliveries
          .filter(({ attributes }) => attributes.key === key)
          .map(({ sequence, attempt }) => `${sequence}@${attempt}`);
      expect(ofKey('a')).toEqual(['1@2', '2@1']);
      expect(ofKey('b')).toEqual(['3@2', '4@1']);
    });

    test('holds over leases that run out and followers that leave', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follow = (leaseMs: number) =>
        RecordingFollower.follow(engine, bind, { credit: 100, leaseMs, options: byKey });
      const hung = await follow(100);
      await publish(engine, 's', of('k'), of('k'), of('k'));
      await hung.until(1);
      const leaving = await follow(60_000);
      await leaving.until(1);
      hung.close();
      leaving.close();
      const last = await follow(60_000);
      for (let handled = 0; handled < 3; handled++) {
        await last.until(handled + 1);
        await last.ack(last.deliveries[handled]!);
      }
      expect(last.sequences).toEqual([1, 2, 3]);
      expect(last.attempts[0]).toBeGreaterThanOrEqual(3);
      expect(last.attempts.slice(1)).toEqual([1, 1]);
    });

    test('goes on behind a message that goes to the dead letters', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { credit: 100, options: byKey });
      await publish(engine, 's', of('k'), of('k'), of('k'));
      await follower.until(1);
      await follower.reject(follower.deliveries);
      await follower.until(2);
      await engine.updateGroup('s', 'workers', { retry: { maxDeliveries: 1 } });
      await follower.fail([follower.deliveries[1]!]);
      await follower.until(3);
      expect(follower.sequences).toEqual([1, 2, 3]);
    });

    test('holds between the followers of a group, under load, with failures', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const keys = 7;
      const total = 400;
      const records = Array.from({ length: total }, (_, index) => of(`k${index % keys}`));
      for (let at = 0; at < total; at += 50) {
        await opened.engine.publish({ bind, batch: batchOf(...records.slice(at, at + 50)) });
      }
      const half = new KeyedWork(total / 2);
      await half.run(opened.engine);
      if (survives) await opened.restart();
      const rest = new KeyedWork(total - half.acked.length, half.acked);
      await rest.run(opened.engine);
      const acked = [...half.acked, ...rest.acked];
      expect(acked).toHaveLength(total);
      for (let key = 0; key < keys; key++) {
        const ofKey = acked.filter((sequence) => (sequence - 1) % keys === key);
        expect(ofKey).toEqual([...ofKey].sort((a, b) => a - b));
      }
      expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
    });

    test('holds over priorities: a key is one order, whatever they are', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { credit: 100, options: byKey });
      await publish(engine, 's', { body: '1', key: 'k' });
      await follower.until(1);
      await publish(engine, 's', { body: '2', key: 'k', priority: 3 }, { body: '3', priority: 0 });
      await follower.until(2);
      expect(follower.bodies).toEqual(['1', '3']);
      await follower.ack(follower.deliveries[0]!);
      await follower.until(3);
      expect(follower.bodies).toEqual(['1', '3', '2']);
    });

    test('begins anew with a group that is reset, and goes on where messages were purged', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', { retention: 'log' });
      const follower = await RecordingFollower.follow(engine, bind, { credit: 100, options: byKey });
      await publish(engine, 's', of('k'), of('k'), of('k'), of('k'));
      await follower.until(1);
      await engine.resetGroup({ stream: 's', group: 'workers', startFrom: { sequence: 2 } });
      await follower.until(2);
      await engine.purgeStream({ stream: 's', sequence: 3 });
      await follower.until(3);
      await follower.ack(follower.deliveries[2]!);
      await follower.until(4);
      expect(follower.sequences).toEqual([1, 2, 3, 4]);
      await follower.ack(follower.deliveries[3]!);
      expect(await engine.groupInfo('s', 'workers')).toMatchObject({ lag: 0, pending: 0 });
    });

    test('cannot be turned on or off while messages are pending', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { credit: 100 });
      await publish(engine, 's', of('k'), of('k'), of('k'));
      await follower.until(3);
      await expect(engine.updateGroup('s', 'workers', { ordering: 'key' })).rejects.toMatchObject({
        code: 'InvalidOption',
        details: { option: 'ordering' },
      });
      await follower.ack(...follower.deliveries);
      await engine.updateGroup('s', 'workers', { ordering: 'key' });
      await publish(engine, 's', of('k'), of('k'), of('other'));
      await follower.until(5);
      expect(follower.sequences.slice(3)).toEqual([4, 6]);
    });
  });

  describe('keyConcurrency', () => {
    test('has so many of a key out at a time', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const options = { keyConcurrency: 2 };
      const follower = await RecordingFollower.follow(opened.engine, bind, { credit: 100, options });
      await publish(opened.engine, 's', of('a'), of('a'), of('a'), of('b'), of('a'), 'no key', of('b'));
      await follower.until(5);
      expect(follower.sequences).toEqual([1, 2, 4, 6, 7]);
      await follower.ack(follower.deliveries[1]!);
      await follower.until(6);
      expect(follower.sequences[5]).toBe(3);
      follower.close();
      if (survives) await opened.restart();
      const rest = await RecordingFollower.follow(opened.engine, bind, { credit: 100 });
      await rest.until(5);
      expect([...rest.sequences].sort((a, b) => a - b)).toEqual([1, 3, 4, 6, 7]);
      await rest.ack(rest.deliveries.find(({ sequence }) => sequence === 1)!);
      await rest.until(6);
      expect(rest.deliveries[5]).toMatchObject({ sequence: 5, attempt: 1 });
    });
  });
}

/** Two followers that work on keyed messages, fail at some, and see to it that of no key two are out at a time. */
class KeyedWork {
  /** Sequence numbers, in the order in which they were acked for good. */
  readonly acked: number[] = [];
  readonly #wanted: number;
  readonly #failed = new Set<number>();
  readonly #out = new Map<string, number>();
  readonly #acks: Promise<unknown>[] = [];

  constructor(wanted: number, failedBefore: readonly number[] = []) {
    this.#wanted = wanted;
    for (const sequence of failedBefore) this.#failed.add(sequence);
  }

  /** Settles when so many are acked. */
  async run(engine: Parameters<typeof RecordingFollower.follow>[0]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const followers = await Promise.all(
      [5, 30].map((credit) => RecordingFollower.follow(engine, bind, { credit, options: byKey })),
    );
    for (const follower of followers) {
      follower.onRun = (deliveries) => {
        for (const delivery of deliveries) {
          this.#handle(follower, delivery).then((isDone) => isDone && resolve(), reject);
        }
      };
      for (const delivery of follower.deliveries) void this.#handle(follower, delivery).catch(reject);
    }
    await promise;
    await Promise.all(this.#acks);
    for (const follower of followers) follower.close();
  }

  /** @returns whether it was the last */
  async #handle(follower: RecordingFollower, delivery: Delivery): Promise<boolean> {
    const { sequence } = delivery;
    const key = delivery.attributes.key!;
    const other = this.#out.get(key);
    if (other !== undefined) throw new Error(`${sequence} came while ${other} of the same key was out`);
    this.#out.set(key, sequence);
    await new Promise((resolve) => setImmediate(resolve));
    if (this.acked.length >= this.#wanted) return true;
    this.#out.delete(key);
    if (sequence % 11 === 0 && !this.#failed.has(sequence)) {
      this.#failed.add(sequence);
      void follower.fail([delivery]);
    } else {
      this.acked.push(sequence);
      this.#acks.push(follower.ack(delivery));
    }
    follower.credit(1);
    return this.acked.length >= this.#wanted;
  }
}

function of(key: string): TestRecord {
  return { body: key, key };
}
