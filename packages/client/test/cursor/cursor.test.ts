import { decodePurgeStream, Opcode } from '@simplemq/protocol';
import { describe, expect, it } from 'vitest';
import { Bind, Connection, Follower, Publisher } from '../../src/index.ts';
import { FakeBroker } from '../fake-broker.ts';

describe('Cursor', () => {
  it('creates, describes, lists, purges and deletes streams', async () => {
    await using broker = await FakeBroker.start();
    await using connection = new Connection({ port: broker.port });
    await using cursor = connection.cursor();
    for (const name of ['c', 'a', 'b', 'x_1', 'x_2']) expect(await cursor.createStream(name)).toBe(true);
    expect(await cursor.createStream('a', { storage: 'memory' })).toBe(false);
    await new Publisher(connection, new Bind('a')).sendMessages([1, 2, 3]);
    expect(await cursor.streamInfo('a')).toMatchObject({ name: 'a', messages: 3, nextSequence: 4 });
    expect((await cursor.listStreams()).map(({ name }) => name)).toEqual(['a', 'b', 'c', 'x_1', 'x_2']);
    expect((await cursor.listStreams(new Bind(/^x/))).map(({ name }) => name)).toEqual(['x_1', 'x_2']);
    expect(await cursor.purgeStream('a')).toBe(3);
    await cursor.deleteStream('a');
    await expect(cursor.streamInfo('a')).rejects.toMatchObject({ code: 'StreamNotFound' });
  });

  it('updates a stream, and purges up to a place', async () => {
    await using broker = await FakeBroker.start();
    await using connection = new Connection({ port: broker.port });
    const cursor = connection.cursor();
    await cursor.createStream('q');
    await cursor.updateStream('q', { maxBytes: 5, overflow: 'drop-oldest' });
    expect(broker.management.updates).toEqual([
      { stream: 'q', options: { maxBytes: 5, overflow: 'drop-oldest' } },
    ]);
    await cursor.purgeStream('q', { sequence: 7 });
    await cursor.purgeStream('q', { time: new Date(1_800_000_000_000) });
    const purges = broker.frames.filter(({ opcode }) => opcode === Opcode.PurgeStream);
    expect(purges.map(({ payload }) => decodePurgeStream(payload))).toEqual([
      { stream: 'q', sequence: 7 },
      { stream: 'q', time: 1_800_000_000_000 },
    ]);
    await expect(cursor.purgeStream('q', { sequence: 1, time: 1 })).rejects.toMatchObject({
      code: 'InvalidOption',
    });
  });

  it('lists pending entries a message at a time, over pages, up to the limit', async () => {
    await using broker = await FakeBroker.start();
    await using connection = new Connection({ port: broker.port, name: 'tester' });
    await using cursor = connection.cursor();
    await cursor.createStream('q');
    await new Publisher(connection, new Bind('q')).sendMessages([1, 2, 3, 4, 5]);
    const messages = new Follower(connection, new Bind('q'), { prefetch: 5 }).getMessages();
    await messages.next();
    const pending = await cursor.pending('q');
    expect(pending.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
    expect(pending[0]).toEqual({ sequence: 1, follower: 1, client: 'tester', attempt: 1, idleMs: 0 });
    expect(await cursor.pending('q', { limit: 3 })).toHaveLength(3);
  });
});
