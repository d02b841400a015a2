import { StorageFailed } from '@simplemq/protocol';
import { describe, expect, test } from 'vitest';
import type { EngineEvent } from '../../src/engine/events.ts';
import { batchOf, batchOfMany } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { RecordingFollower } from '../recording-follower.ts';

const bind = { stream: 's' };
const failed = { code: 'StorageFailed' };

describe('a commit that fails for good', () => {
  test('is told to all who wait and all who ask later, and the engine says that it has ended', async () => {
    const store = new FakeStore();
    const events: EngineEvent[] = [];
    const engine = await openOn(store, { onEvent: (event) => events.push(event) });
    await engine.createStream('s', {});
    await engine.publish({ bind, batch: batchOfMany(3) });
    const follower = await RecordingFollower.follow(engine, bind, { credit: 3 });
    await follower.until(3);
    store.beforeCommit = () => {
      throw new Error('EIO: i/o error, fdatasync');
    };
    const inFlight = [
      engine.publish({ bind, batch: batchOf('x') }),
      engine.publish({ bind, batch: batchOf('y') }),
      follower.ack(follower.deliveries[0]!),
      engine.createStream('t', {}),
      engine.purgeStream({ stream: 's' }),
    ];
    for (const request of inFlight) await expect(request).rejects.toMatchObject(failed);
    expect(await follower.untilEnded()).toMatchObject(failed);
    const end = await engine.ended;
    expect(end.error).toMatchObject({ ...failed, message: expect.stringContaining('EIO') });
    expect(events.filter(({ type }) => type === 'failed')).toHaveLength(1);
    const later = [
      engine.createStream('u', {}),
      engine.deleteStream('s'),
      engine.purgeStream({ stream: 's' }),
      engine.listStreams({}),
      engine.streamInfo('s'),
      engine.pending({ stream: 's' }),
      engine.publish({ bind, batch: batchOf('z') }),
      RecordingFollower.follow(engine, bind),
      follower.ack(follower.deliveries[1]!),
      follower.nack([follower.deliveries[1]!]),
    ];
    for (const request of later) await expect(request).rejects.toMatchObject(failed);
    await engine.close();
    await engine.close();
    expect((await engine.ended).error).toMatchObject(failed);
  });

  test('while closing does not hang the close', async () => {
    const store = new FakeStore();
    const engine = await openOn(store);
    await engine.createStream('s', {});
    store.beforeCommit = () => Promise.reject(new StorageFailed('gone'));
    const publish = engine.publish({ bind, batch: batchOf('x') });
    const closing = engine.close();
    await expect(publish).rejects.toMatchObject(failed);
    await closing;
    expect((await engine.ended).error).toMatchObject(failed);
  });
});

describe('a read that fails', () => {
  test('ends the engine, saying which', async () => {
    const store = new FakeStore();
    const engine = await openOn(store, { cacheBytesMax: 1 });
    await engine.createStream('s', {});
    await engine.publish({ bind, batch: batchOf('x') });
    await engine.publish({ bind, batch: batchOf('y') });
    const follower = await RecordingFollower.follow(engine, bind);
    store.beforeRead = () => {
      throw new StorageFailed('the batch at 1 of stream 1 is damaged');
    };
    follower.credit(3);
    expect(await follower.untilEnded()).toMatchObject(failed);
    expect((await engine.ended).error?.message).toContain('the batch at 1 of stream 1 is damaged');
    await engine.close();
  });
});

describe('closing', () => {
  test('stores what was asked before it, ends the followers, and refuses what comes later', async () => {
    const store = new FakeStore();
    const engine = await openOn(store);
    await engine.createStream('s', {});
    const follower = await RecordingFollower.follow(engine, bind, { credit: 3 });
    const publish = engine.publish({ bind, batch: batchOf('x') });
    await Promise.all([engine.close(), engine.close()]);
    expect((await publish).streams).toEqual([{ stream: 's', first: 1 }]);
    expect(follower.endedWith).toMatchObject({ code: 'ServerClosing' });
    expect(await engine.ended).toEqual({});
    await expect(engine.publish({ bind, batch: batchOf('y') })).rejects.toMatchObject({
      code: 'ServerClosing',
    });
    expect(store.commits.flatMap(({ batches }) => batches)).toHaveLength(1);
  });
});
