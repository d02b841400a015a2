import { describe, expect, it } from 'vitest';
import { Connection, type FollowerOptions } from '../../src/index.ts';
import { FakeBroker } from '../fake-broker.ts';

async function setUp() {
  const broker = await FakeBroker.start();
  broker.streams.set('q', []);
  const connection = new Connection({ port: broker.port, reconnect: { minDelayMs: 1, maxDelayMs: 5 } });
  return {
    broker,
    cursor: connection.cursor(),
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker.close();
    },
  };
}

describe('Cursor, of groups', () => {
  it('creates, describes, lists, updates and deletes them', async () => {
    await using test = await setUp();
    const options = { ordering: 'key', retry: { maxDeliveries: 3, factor: 1.5 } } as const;
    expect(await test.cursor.createGroup('q', 'audit', { startFrom: 'new', ...options })).toBe(true);
    expect(await test.cursor.createGroup('q', 'audit', options)).toBe(false);
    expect(await test.cursor.createGroup('q', 'mail')).toBe(true);
    await test.cursor.updateGroup('q', 'audit', { ratePerSecond: 7 });
    expect(await test.cursor.groupInfo('q', 'audit')).toMatchObject({
      name: 'audit',
      stream: 'q',
      options: { ...options, ratePerSecond: 7 },
    });
    expect((await test.cursor.listGroups('q')).map(({ name }) => name)).toEqual(['audit', 'mail']);
    await test.cursor.deleteGroup('q', 'mail');
    await expect(test.cursor.groupInfo('q', 'mail')).rejects.toMatchObject({ code: 'GroupNotFound' });
  });

  it('moves them to wherever they should begin', async () => {
    await using test = await setUp();
    await test.cursor.createGroup('q', 'audit');
    const places = [
      'first',
      'new',
      { sequence: 7 },
      { time: 1_800_000_000_000 },
      { time: new Date(1_800_000_000_000) },
    ] as const;
    for (const place of places) await test.cursor.resetGroup('q', 'audit', place);
    expect(test.broker.management.resets.map(({ startFrom }) => startFrom)).toEqual([
      'first',
      'new',
      { sequence: 7 },
      { time: 1_800_000_000_000 },
      { time: 1_800_000_000_000 },
    ]);
    for (const place of ['last', { sequence: -1 }, { time: new Date(Number.NaN) }, {}]) {
      const wrong = test.cursor.resetGroup('q', 'audit', place as FollowerOptions['startFrom'] & object);
      await expect(wrong).rejects.toMatchObject({ code: 'InvalidOption' });
    }
  });

  it('does not reset one again after a lost connection: what was handled since would come back', async () => {
    await using test = await setUp();
    await test.cursor.createGroup('q', 'audit');
    test.broker.intercept = ({ opcode }, peer) => {
      if (opcode !== 0x1d) return false;
      peer.socket.destroy();
      return true;
    };
    await expect(test.cursor.resetGroup('q', 'audit', 'first')).rejects.toMatchObject({
      code: 'ConnectionLost',
    });
  });
});
