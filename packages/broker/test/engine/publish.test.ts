import { StorageFull } from '@simplemq/protocol';
import { describe, expect, test } from 'vitest';
import type { PublishReceipt } from '../../src/engine/engine.ts';
import { batchOf, batchOfMany } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine, STORES } from '../test-engine.ts';

const bind = { stream: 's' };
const id = '00112233445566778899aabbccddeeff';

describe.each(STORES)('publishing (%s)', (kind) => {
  test('gives sequence numbers from 1 on, without holes, in the order of the calls', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('s', {});
    const settled: number[] = [];
    const sizes = Array.from({ length: 200 }, (_, index) => (index % 7) + 1);
    const receipts = await Promise.all(
      sizes.map(async (size, index) => {
        const receipt = await engine.publish({ bind, batch: batchOfMany(size) });
        settled.push(index);
        return receipt;
      }),
    );
    expect(settled).toEqual(sizes.map((_, index) => index));
    let next = 1;
    receipts.forEach(({ streams }, index) => {
      expect(streams).toEqual([{ stream: 's', first: next }]);
      next += sizes[index]!;
    });
    const follower = await RecordingFollower.follow(engine, bind, { credit: 10_000 });
    await follower.until(next - 1);
    expect(follower.bodies).toEqual(sizes.flatMap((size) => batchOfManyBodies(size)));
  });

  test('to a pattern reaches every stream that matches, once each, and none is fine', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    for (const name of ['b.eu', 'a.eu', 'a.us']) await engine.createStream(name, {});
    const receipt = await engine.publish({ bind: { pattern: '\\.eu$' }, batch: batchOf('x') });
    expect(receipt.streams).toEqual([
      { stream: 'b.eu', first: 1 },
      { stream: 'a.eu', first: 1 },
    ]);
    const none = await engine.publish({ bind: { pattern: 'nothing' }, batch: batchOf('x') });
    expect(none.streams).toEqual([]);
    const mustMatch = engine.publish({ bind: { pattern: 'nothing' }, batch: batchOf('x'), mustMatch: true });
    await expect(mustMatch).rejects.toMatchObject({ code: 'NoMatchingStream' });
    const missing = engine.publish({ bind, batch: batchOf('x') });
    await expect(missing).rejects.toMatchObject({ code: 'StreamNotFound', details: { stream: 's' } });
    const invalid = engine.publish({ bind: { pattern: 'a(b' }, batch: batchOf('x') });
    await expect(invalid).rejects.toMatchObject({ code: 'InvalidPattern' });
  });

  test('keeps the attributes that a batch shares, beside plain ones in the same commit', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('s', {});
    const shared = Buffer.from([0x81, 0xa3, 0x6b, 0x65, 0x79, 0xa1, 0x31]); // { key: "1" }
    await Promise.all([
      engine.publish({ bind, batch: batchOf('plain') }),
      engine.publish({ bind, batch: { ...batchOf('keyed'), shared } }),
      engine.publish({ bind, batch: batchOf('plain again') }),
    ]);
    await broker.restart(kind === 'file' ? {} : { storage: 'memory' });
    if (kind === 'memory') return;
    const follower = await RecordingFollower.follow(broker.engine, bind, { credit: 10 });
    await follower.until(3);
    expect(follower.runs.map((run) => [run.first, run.shared.toString('hex')])).toEqual([
      [1, ''],
      [2, shared.toString('hex')],
      [3, ''],
    ]);
  });
});

describe.each(STORES)('a publish that is sent again (%s)', (kind) => {
  test('gets the receipt of the first and is stored once, also while that is under way', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('s', {});
    const request = { bind, batch: batchOfMany(3), producer: { id, number: 1, settled: 0 } };
    const [first, again] = await Promise.all([engine.publish(request), engine.publish(request)]);
    const later = await engine.publish(request);
    expect([again, later]).toEqual([first, first]);
    const next = await engine.publish({ ...request, producer: { id, number: 2, settled: 1 } });
    expect(next.streams).toEqual([{ stream: 's', first: 4 }]);
    expect(await engine.streamInfo('s')).toMatchObject({ messages: 6 });
  });

  test('late, on a connection that its publisher gave up, is not stored a second time', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('s', {});
    const request = { bind, batch: batchOf('x'), producer: { id, number: 1, settled: 0 } };
    await engine.publish(request);
    await engine.publish({ bind, batch: batchOf('y'), producer: { id, number: 2, settled: 1 } });
    await expect(engine.publish(request)).rejects.toMatchObject({ code: 'ProtocolViolation' });
    expect(await engine.streamInfo('s')).toMatchObject({ messages: 2 });
  });

  test('of another producer with the same number is another publish', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('s', {});
    const producer = { id, number: 1, settled: 0 };
    await engine.publish({ bind, batch: batchOf('x'), producer });
    await engine.publish({
      bind,
      batch: batchOf('x'),
      producer: { ...producer, id: id.replace(/^00/, '99') },
    });
    expect(await engine.streamInfo('s')).toMatchObject({ messages: 2 });
  });

  test('is known although its producer has too many receipts, with which it publishes nothing new', async () => {
    const store = new FakeStore();
    // As of millions of messages whose ids were known.
    const duplicates: number[] = new Array(2 ** 23).fill(0);
    const receipt = { streams: [{ stream: 's', first: 0, duplicates }], durability: 'fsync' };
    const snapshot = store.snapshot();
    const row = { id, usedAt: Date.now(), receipts: JSON.stringify([[1, receipt]]) };
    store.snapshot = () => ({ ...snapshot, producers: [row] });
    const engine = await openOn(store);
    await engine.createStream('s', {});
    const request = { bind, batch: batchOf('x') };
    const known = await engine.publish({ ...request, producer: { id, number: 1, settled: 0 } });
    expect(known.streams[0]!.duplicates).toHaveLength(duplicates.length);
    const producer = { id, number: 2, settled: 0 };
    const tooMany = { code: 'TooManyReceipts' };
    await expect(engine.publish({ ...request, producer })).rejects.toMatchObject(tooMany);
    const transaction = { publishes: [request], acks: [], producer };
    await expect(engine.transaction(transaction)).rejects.toMatchObject(tooMany);
    expect(await engine.streamInfo('s')).toMatchObject({ messages: 0 });
    await engine.publish({ ...request, producer: { ...producer, settled: 1 } });
    expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
    await engine.close();
  });

  test('is stored when the first was refused', async () => {
    const store = new FakeStore();
    const engine = await openOn(store);
    await engine.createStream('s', {});
    const request = { bind, batch: batchOf('x'), producer: { id, number: 1, settled: 0 } };
    store.beforeCommit = refuseBatches;
    await expect(engine.publish(request)).rejects.toMatchObject({ code: 'StorageFull' });
    store.beforeCommit = () => {};
    await engine.publish(request);
    expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
    await engine.close();
  });
});

describe('on disk, a publish that is sent again after a restart', () => {
  test('gets the receipt of the first and is stored once', async () => {
    await using broker = await openTestEngine('file');
    await broker.engine.createStream('s', {});
    await broker.engine.createStream('t', {});
    const requests = Array.from({ length: 5 }, (_, index) => ({
      bind: { pattern: '.' },
      batch: batchOfMany(index + 1),
      producer: { id, number: index + 1, settled: 2 },
    }));
    const first: PublishReceipt[] = [];
    for (const request of requests) first.push(await broker.engine.publish(request));
    await broker.restart();
    const again = await Promise.all(requests.slice(2).map((request) => broker.engine.publish(request)));
    expect(again).toEqual(first.slice(2));
    expect(await broker.engine.streamInfo('s')).toMatchObject({ messages: 15, nextSequence: 16 });
  });
});

describe('one publish to many streams', () => {
  test('reaches all of them or none', async () => {
    const store = new FakeStore();
    const engine = await openOn(store);
    for (const name of ['a', 'b', 'c']) await engine.createStream(name, {});
    const followers = await Promise.all(
      ['a', 'b', 'c'].map((stream) => RecordingFollower.follow(engine, { stream }, { credit: 10 })),
    );
    store.beforeCommit = refuseBatches;
    const refused = engine.publish({ bind: { pattern: '.' }, batch: batchOf('refused') });
    await expect(refused).rejects.toMatchObject({ code: 'StorageFull' });
    store.beforeCommit = () => {};
    store.commits.length = 0;
    await engine.publish({ bind: { pattern: '.' }, batch: batchOf('taken') });
    for (const follower of followers) await follower.until(1);
    expect(followers.flatMap(({ bodies }) => bodies)).toEqual(['taken', 'taken', 'taken']);
    // All of it is in one transaction.
    const withBatches = store.commits.filter(({ batches }) => batches.length > 0);
    expect(withBatches.map(({ batches }) => batches.length)).toEqual([3]);
    await engine.close();
  });

  test('is delivered only when it is stored', async () => {
    const store = new FakeStore();
    const engine = await openOn(store);
    await engine.createStream('s', {});
    const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
    const { promise, resolve } = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    store.beforeCommit = ({ batches }) => {
      if (batches.length === 0) return;
      reached.resolve();
      return promise;
    };
    const receipt = engine.publish({ bind, batch: batchOf('x') });
    await reached.promise;
    expect(await engine.streamInfo('s')).toMatchObject({ messages: 0 });
    expect(follower.deliveries).toEqual([]);
    resolve();
    await receipt;
    await follower.until(1);
    await engine.close();
  });
});

function refuseBatches({ batches }: { batches: readonly unknown[] }): void {
  if (batches.length > 0) throw new StorageFull('no room');
}

function batchOfManyBodies(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index + 1}`);
}
