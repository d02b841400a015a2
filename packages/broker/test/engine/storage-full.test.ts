import { StorageFull } from '@simplemq/protocol';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { batchOf, batchOfMany, sharingBatch } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { RecordingFollower, rangesOf } from '../recording-follower.ts';
import { openTestEngine, turns } from '../test-engine.ts';

const bind = { stream: 's' };
const KIB = 1024;
const full = { code: 'StorageFull' };

describe('a store that is full', () => {
  test('refuses publishes, keeps what it confirmed, and takes acks, which make room', async () => {
    await using broker = await openTestEngine('file', { storageBytesMax: 1024 * KIB });
    await broker.engine.createStream('s', {});
    const body = 'x'.repeat(10 * KIB);
    const confirmed: string[] = [];
    for (let full = false; !full; ) {
      const name = `${confirmed.length} ${body}`;
      await broker.engine.publish({ bind, batch: batchOf(name, name, name) }).then(
        () => confirmed.push(name, name, name),
        (error) => {
          expect(error).toMatchObject({ code: 'StorageFull' });
          full = true;
        },
      );
    }
    expect(confirmed.length).toBeGreaterThan(60);
    // It is as full after a restart, and has all that was confirmed.
    await broker.restart();
    const { engine } = broker;
    await expect(engine.publish({ bind, batch: batchOf(body, body, body) })).rejects.toMatchObject({
      code: 'StorageFull',
    });
    const follower = await RecordingFollower.follow(engine, bind, { credit: 100_000 });
    await follower.until(confirmed.length);
    expect(follower.bodies).toEqual(confirmed);
    // One by one, so that the first free no whole batch.
    for (const delivery of follower.deliveries.slice(0, 30)) expect(await follower.ack(delivery)).toEqual([]);
    const receipt = await engine.publish({ bind, batch: batchOf('room') });
    await follower.until(confirmed.length + 1);
    expect(follower.deliveries.at(-1)).toMatchObject({ sequence: receipt.streams[0]!.first, body: 'room' });
    expect(await engine.streamInfo('s')).toMatchObject({ messages: confirmed.length - 30 + 1 });
  });

  test('takes acks although publishes that have no room keep coming', async () => {
    const store = new FakeStore();
    const engine = await openOn(store);
    await engine.createStream('s', {});
    await engine.publish({ bind, batch: batchOfMany(3) });
    const follower = await RecordingFollower.follow(engine, bind, { credit: 3 });
    await follower.until(3);
    // A commit takes longer than it takes for the next publish to come.
    store.beforeCommit = async ({ batches }) => {
      await turns(2);
      if (batches.length > 0) throw new StorageFull('no room');
    };
    let isAcked = false;
    let published = 0;
    const refused: Promise<unknown>[] = [];
    const flood = async () => {
      for (; !isAcked && published < 1_000; published++) {
        refused.push(expect(engine.publish({ bind, batch: batchOf('x') })).rejects.toMatchObject(full));
        await turns(1);
      }
    };
    const flooding = flood();
    await turns(5);
    expect(await follower.ack(...follower.deliveries)).toEqual([]);
    isAcked = true;
    await flooding;
    await Promise.all(refused);
    expect(published).toBeLessThan(50);
    expect(await engine.streamInfo('s')).toMatchObject({ messages: 0 });
    await engine.close();
  });

  test('tells those who wait for nothing but acks, and tries again by itself', async () => {
    const store = new FakeStore();
    const engine = await openOn(store);
    await engine.createStream('s', {});
    await engine.publish({ bind, batch: batchOf('x') });
    const follower = await RecordingFollower.follow(engine, bind, { credit: 1 });
    await follower.until(1);
    store.beforeCommit = () => {
      throw new StorageFull('no room');
    };
    await expect(follower.ack(...follower.deliveries)).rejects.toMatchObject({ code: 'StorageFull' });
    const { promise, resolve } = Promise.withResolvers<void>();
    store.beforeCommit = ({ removals }) => {
      if (removals.length > 0) resolve();
    };
    await promise;
    await engine.close();
  });

  test('is closed although acks are left that it did not take, and is not heard of again', async () => {
    const store = new FakeStore();
    const engine = await openOn(store);
    await engine.createStream('s', {});
    await engine.publish({ bind, batch: batchOf('x') });
    const follower = await RecordingFollower.follow(engine, bind, { credit: 1 });
    await follower.until(1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    let attempts = 0;
    store.beforeCommit = () => {
      attempts++;
      throw new StorageFull('no room');
    };
    await expect(follower.ack(...follower.deliveries)).rejects.toMatchObject(full);
    await engine.close();
    const atClose = attempts;
    vi.advanceTimersByTime(10_000);
    await turns(5);
    expect(attempts).toBe(atClose);
    expect(await engine.ended).toEqual({});
  });

  test('refuses a new stream, which is not there then, and its name is free', async () => {
    const store = new FakeStore();
    const engine = await openOn(store);
    store.beforeCommit = () => {
      throw new StorageFull('no room');
    };
    await expect(engine.createStream('s', {})).rejects.toMatchObject({ code: 'StorageFull' });
    await expect(engine.streamInfo('s')).rejects.toMatchObject({ code: 'StreamNotFound' });
    store.beforeCommit = () => {};
    expect(await engine.createStream('s', {})).toBe(true);
    await engine.publish({ bind, batch: batchOf('x') });
    expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
    await engine.close();
  });

  test('leaves a hole where it refused, which followers pass over', async () => {
    const store = new FakeStore();
    const engine = await openOn(store, { cacheBytesMax: 0 });
    await engine.createStream('s', {});
    await engine.publish({ bind, batch: batchOfMany(5, 'before ') });
    const refuse = ({ batches }: { batches: readonly unknown[] }) => {
      if (batches.length > 0) throw new StorageFull('no room');
    };
    store.beforeCommit = refuse;
    await expect(engine.publish({ bind, batch: batchOfMany(7) })).rejects.toMatchObject({
      code: 'StorageFull',
    });
    store.beforeCommit = () => {};
    await engine.publish({ bind, batch: batchOfMany(5, 'after ') });
    const follower = await RecordingFollower.follow(engine, bind, { credit: 100 });
    await follower.until(10);
    expect(follower.sequences).toEqual([1, 2, 3, 4, 5, 13, 14, 15, 16, 17]);
    await follower.ack(...follower.deliveries);
    expect(await engine.streamInfo('s')).toMatchObject({
      messages: 0,
      bytes: 0,
      groups: [{ lag: 0, pending: 0, ackFloor: 17 }],
    });
    await engine.close();
  });

  test('gives the numbers that it refused to nobody else, also after a restart', async () => {
    await using broker = await openTestEngine('file', { storageBytesMax: 256 * KIB });
    const { engine } = broker;
    await engine.createStream('s', {});
    await engine.publish({ bind, batch: batchOf('first', 'second') });
    const follower = await RecordingFollower.follow(engine, bind, { credit: 100 });
    await follower.until(2);
    const large = 'x'.repeat(300 * KIB);
    const refused = engine.publish({ bind, batch: batchOf(large, large, large) });
    await expect(refused).rejects.toMatchObject({ code: 'StorageFull' });
    // The group passes over the hole once it has looked there; a read of the store is a request like this.
    while ((await engine.streamInfo('s')).groups[0]!.lag > 0) await engine.createStream('s', {});
    await broker.restart();
    const later = await RecordingFollower.follow(broker.engine, bind, { credit: 100 });
    const receipt = await broker.engine.publish({ bind, batch: batchOf('third') });
    await later.until(3);
    expect(later.bodies).toEqual(['first', 'second', 'third']);
    expect(receipt.streams).toEqual([{ stream: 's', first: 6 }]);
  });
});

test('a stream that finds no room takes along what was already published to it', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('other', {});
  const under = Promise.withResolvers<void>();
  let asked = 0;
  store.beforeCommit = () => {
    asked++;
    if (asked > 1) return;
    return under.promise.then(() => Promise.reject(new StorageFull('no room')));
  };
  const created = engine.createStream('new', {});
  // The commit of the stream is under way: this waits for the next.
  await new Promise((resolve) => setImmediate(resolve));
  const published = engine.publish({ bind: { pattern: '.' }, batch: batchOf('x') });
  under.resolve();
  await expect(created).rejects.toMatchObject({ code: 'StorageFull' });
  await expect(published).rejects.toMatchObject({ code: 'StorageFull' });
  await expect(engine.streamInfo('new')).rejects.toMatchObject({ code: 'StreamNotFound' });
  const receipt = await engine.publish({ bind: { pattern: '.' }, batch: batchOf('y') });
  expect(receipt.streams.map(({ stream }) => stream)).toEqual(['other']);
  expect(await engine.streamInfo('other')).toMatchObject({ messages: 1 });
  await engine.close();
});

test('a receipt is stored with its batch, not with what is left of a refused commit', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  const under = Promise.withResolvers<void>();
  let asked = 0;
  store.beforeCommit = () => {
    asked++;
    if (asked > 1) return;
    return under.promise.then(() => Promise.reject(new StorageFull('no room')));
  };
  const refused = engine.publish({
    bind,
    batch: batchOf('x'),
    producer: { id: 'aa', number: 1, settled: 0 },
  });
  await new Promise((resolve) => setImmediate(resolve));
  const taken = engine.publish({ bind, batch: batchOf('y'), producer: { id: 'bb', number: 1, settled: 0 } });
  under.resolve();
  await expect(refused).rejects.toMatchObject(full);
  await taken;
  const withReceipt = store.commits.filter(({ producers }) => producers.some(({ id }) => id === 'bb'));
  expect(withReceipt.map(({ batches }) => batches.length)).toEqual([1]);
  // What was refused is known to nobody: sent again, it is stored.
  const known = store.commits.flatMap(({ producers }) => producers.filter(({ id }) => id === 'aa'));
  expect(known.every(({ receipts }) => receipts === '[]')).toBe(true);
  await engine.close();
});

describe('what waits while a commit is refused', () => {
  /** An engine whose next commit with messages waits for `refuse`, as every one after it is refused until `mend`. */
  async function brokenOnce() {
    const store = new FakeStore();
    const engine = await openOn(store);
    await engine.createStream('s', {});
    await engine.createStream('results', {});
    const asked = Promise.withResolvers<void>();
    const refuse = Promise.withResolvers<void>();
    const breakNow = () => {
      store.beforeCommit = async ({ batches }) => {
        if (batches.length === 0) return;
        asked.resolve();
        await refuse.promise;
        throw new StorageFull('no room');
      };
    };
    const mend = () => {
      store.beforeCommit = () => {};
    };
    return { store, engine, asked: asked.promise, refuse: refuse.resolve, breakNow, mend };
  }

  test('a message that a refused transaction was to ack comes again', async () => {
    const { engine, asked, refuse, breakNow, mend } = await brokenOnce();
    await engine.publish({ bind, batch: batchOf('job') });
    const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
    const [job] = await follower.until(1);
    breakNow();
    const refused = engine.publish({ bind: { stream: 'results' }, batch: batchOf('x') });
    refused.catch(() => {});
    await asked;
    const transaction = engine.transaction({
      publishes: [{ bind: { stream: 'results' }, batch: batchOf('result') }],
      acks: [{ follower: follower.engineFollower, entries: rangesOf([job!]) }],
    });
    refuse();
    await expect(transaction).rejects.toMatchObject(full);
    mend();
    expect((await follower.until(2)).map(({ body, attempt }) => `${body} ${attempt}`)).toEqual([
      'job 1',
      'job 2',
    ]);
    await engine.close();
  });

  test('a message is not taken for the duplicate of one that was not stored', async () => {
    const { engine, asked, refuse, breakNow, mend } = await brokenOnce();
    breakNow();
    const first = engine.publish({ bind, batch: batchOf({ body: 'x', messageId: 'id' }) });
    first.catch(() => {});
    await asked;
    const second = engine.publish({ bind, batch: batchOf({ body: 'y', messageId: 'id' }) });
    refuse();
    await expect(first).rejects.toMatchObject(full);
    await expect(second).rejects.toMatchObject(full);
    mend();
    const third = await engine.publish({ bind, batch: batchOf({ body: 'z', messageId: 'id' }) });
    expect(third.streams[0]).not.toHaveProperty('duplicates');
    await engine.close();
  });
});

test('a message that expired undelivered is not listed as pending while there is no room for its dead letter', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  await engine.createGroup({ stream: 's', group: 'g', options: { deadLetterExpired: true } });
  await engine.publish({ bind, batch: sharingBatch({ ttlMs: 1 }, 'x') });
  await vi.waitUntil(() => Date.now() > store.rows[0]!.batch.time + 1, { interval: 1 });
  const refused = Promise.withResolvers<void>();
  store.beforeCommit = ({ batches }) => {
    if (batches.length === 0) return;
    refused.resolve();
    throw new StorageFull('no room');
  };
  await RecordingFollower.follow(engine, bind, { group: 'g', credit: 1 });
  await refused.promise;
  await turns();
  expect(await engine.pending({ stream: 's', group: 'g' })).toMatchObject({ entries: [] });
  await engine.close();
});
