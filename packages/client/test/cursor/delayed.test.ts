import { Opcode } from '@simplemq/protocol';
import { describe, expect, it } from 'vitest';
import { Bind, Connection, Publisher } from '../../src/index.ts';
import { FakeBroker } from '../fake-broker.ts';

describe('Cursor, of delayed messages', () => {
  it('lists them over pages, up to the limit, and cancels them by the ids of their receipts', async () => {
    await using broker = await FakeBroker.start({ features: ['delay'] });
    broker.streams.set('q', []);
    await using connection = new Connection({ port: broker.port });
    const cursor = connection.cursor();
    const publisher = new Publisher(connection, new Bind('q'));
    const times = [1, 2, 3, 4, 5].map((i) => new Date(1_800_000_000_000 + i));
    const receipts = await Promise.all(times.map((deliverAt, i) => publisher.sendMessage(i, { deliverAt })));
    const ids = receipts.map(({ streams }) => streams[0]!.delayedId!);
    const listed = await cursor.delayed('q');
    expect(listed).toEqual(times.map((deliverAt, i) => ({ id: ids[i], messages: 1, bytes: 9, deliverAt })));
    expect((await cursor.delayed('q', { limit: 3 })).map(({ id }) => id)).toEqual(ids.slice(0, 3));
    expect(await cursor.cancelDelayed('q', [ids[1]!, ids[3]!, 77])).toBe(2);
    expect(await cursor.cancelDelayed('q', [])).toBe(0);
    expect((await cursor.delayed('q')).map(({ id }) => id)).toEqual([ids[0], ids[2], ids[4]]);
  });

  it('are not cancelled again after a lost connection, so that the number cancelled is right', async () => {
    await using broker = await FakeBroker.start();
    broker.streams.set('q', []);
    await using connection = new Connection({
      port: broker.port,
      reconnect: { minDelayMs: 1, maxDelayMs: 5 },
    });
    broker.intercept = ({ opcode }, peer) => {
      if (opcode !== Opcode.CancelDelayed) return false;
      peer.socket.destroy();
      return true;
    };
    await expect(connection.cursor().cancelDelayed('q', [1])).rejects.toMatchObject({
      code: 'ConnectionLost',
    });
  });
});
