import { ServerClosing, StorageFailed, StorageFull } from '@simplemq/protocol';
import { expect, test } from 'vitest';
import { batchOf, batchOfMany } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine, turns } from '../test-engine.ts';

const bind = { stream: 's' };
const limits = [{ maxMessages: 2 }, { maxBytes: 10 }];

test.each(['file', 'memory'].flatMap((kind) => limits.map((limit) => [kind, limit] as const)))(
  'a broker (%s) that stops while a stream drops its oldest (%o) has not failed',
  async (kind, limit) => {
    await using broker = await openTestEngine(kind as 'file' | 'memory');
    const { engine } = broker;
    await engine.createStream('s', { ...limit, overflow: 'drop-oldest' });
    const publish = engine.publish({ bind, batch: batchOfMany(10) });
    await engine.close();
    await publish;
    expect(await engine.ended).toEqual({});
    await turns(20);
    expect(broker.events.filter(({ type }) => type === 'failed')).toEqual([]);
  },
);

test('a broker stops, although a read fails while it waits for its last commit', async () => {
  const { store, engine, readFails } = await openWithRead();
  const commit = Promise.withResolvers<void>();
  store.beforeCommit = () => commit.promise;
  const publish = engine.publish({ bind, batch: batchOf('z') });
  const closing = engine.close();
  await turns(3);
  await readFails();
  commit.resolve();
  await closing;
  // Its commit was under way, and is on the disk.
  expect(await publish).toMatchObject({ streams: [{ stream: 's' }] });
});

test('an ack is answered, although the broker fails while the ack and a publish are refused for want of room', async () => {
  const { store, engine, follower, readFails } = await openWithRead();
  const commit = Promise.withResolvers<void>();
  store.beforeCommit = () => commit.promise;
  const answers = Promise.allSettled([
    engine.publish({ bind, batch: batchOf('z') }),
    follower.ack(follower.deliveries[0]!),
  ]);
  await turns(3);
  await readFails();
  commit.reject(new StorageFull('no room'));
  expect((await answers).map((each) => 'reason' in each && each.reason.code)).toEqual([
    'StorageFull',
    'StorageFailed',
  ]);
  await engine.close();
});

test('a reject is answered, although the commit of the dead letter fails', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  await engine.publish({ bind, batch: batchOf('x') });
  const follower = await RecordingFollower.follow(engine, bind, { credit: 3 });
  await follower.until(1);
  store.beforeCommit = ({ batches }) => {
    if (batches.length > 0) throw new Error('EIO: i/o error, fdatasync');
  };
  const rejected = follower.reject(follower.deliveries);
  await expect(rejected).rejects.toBeInstanceOf(ServerClosing);
  expect((await engine.ended).error).toMatchObject({ code: 'StorageFailed' });
  await engine.close();
});

test('a request that goes on after the last commit of a broker that stops is told so', async () => {
  await using broker = await openTestEngine('file');
  const { engine } = broker;
  await engine.createStream('s', {});
  await engine.publish({ bind, batch: batchOf({ body: 'x', delayMs: 60_000 }) });
  const cancelled = engine.cancelDelayed({ stream: 's', ids: [1, 2, 3] }).catch((error) => error);
  await engine.close();
  const answer = await cancelled;
  if (answer !== 1) expect(answer).toBeInstanceOf(ServerClosing);
});

test('the end of a broker is told, although its store does not close as it should', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  store.close = () => Promise.reject(new StorageFailed('EIO: i/o error, close'));
  await expect(engine.close()).rejects.toThrow('EIO');
  await engine.ended;
});

/** A broker whose follower has one message, and which reads for another follower. */
async function openWithRead() {
  const store = new FakeStore();
  const engine = await openOn(store, { cacheBytesMax: 1 });
  await engine.createStream('s', {});
  await engine.publish({ bind, batch: batchOf('x') });
  await engine.publish({ bind, batch: batchOf('y') });
  const follower = await RecordingFollower.follow(engine, bind, { credit: 1 });
  await follower.until(1);
  const other = await RecordingFollower.follow(engine, bind, { group: 'other' });
  const [asked, read] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  store.beforeRead = () => {
    asked.resolve();
    return read.promise;
  };
  other.credit(3);
  await asked.promise;
  const readFails = async (): Promise<void> => {
    read.reject(new StorageFailed('EIO: i/o error, read'));
    await turns(3);
  };
  return { store, engine, follower, readFails };
}
