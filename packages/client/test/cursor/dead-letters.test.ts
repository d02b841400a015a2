import { Opcode } from '@simplemq/protocol';
import { describe, expect, it } from 'vitest';
import { Bind, Connection, Follower, type LettersProgress, Publisher } from '../../src/index.ts';
import { FakeBroker } from '../fake-broker.ts';

/** A stream of which `count` messages were rejected, with the reasons 'bad 1', 'worse 2', 'bad 3' … */
async function setUp(count: number) {
  const broker = await FakeBroker.start({ features: ['deadLetters'] });
  broker.streams.set('q', []);
  const connection = new Connection({ port: broker.port, reconnect: { minDelayMs: 1, maxDelayMs: 5 } });
  const publisher = new Publisher(connection, new Bind('q'));
  const bodies = Array.from({ length: count }, (_, i) => i + 1);
  await Promise.all(bodies.map((body) => publisher.sendMessage(body, { headers: { n: String(body) } })));
  const follower = new Follower<number>(connection, new Bind('q'));
  let left = count;
  if (count > 0) {
    for await (const message of follower.getMessages()) {
      await message.reject(`${message.body % 2 === 1 ? 'bad' : 'worse'} ${message.body}`);
      if (--left === 0) break;
    }
  }
  return {
    broker,
    cursor: connection.cursor(),
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker.close();
    },
  };
}

describe('Cursor, of dead letters', () => {
  it('shows how a message died, with what it was', async () => {
    await using test = await setUp(1);
    const [letter] = await test.cursor.deadLetters('q');
    expect(letter).toMatchObject({ stream: '$dead.q', sequence: 1, body: 1, headers: { n: '1' } });
    expect(letter).toMatchObject({ originalStream: 'q', originalSequence: 1, group: 'workers' });
    expect(letter).toMatchObject({ cause: 'rejected', error: 'bad 1' });
    expect(letter!.diedAt).toEqual(new Date(1_700_000_000_000));
    expect(letter!.publishedAt).toEqual(new Date(1_600_000_000_000));
    expect(letter!.attempts).toEqual([
      { attempt: 1, at: new Date(1_700_000_000_000), cause: 'rejected', error: 'bad 1' },
    ]);
  });

  it('lists those that match, over pages, up to the limit', async () => {
    await using test = await setUp(7);
    const found = async (options: object) =>
      (await test.cursor.deadLetters('q', options)).map(({ originalSequence }) => originalSequence);
    expect(await found({})).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(await found({ error: 'worse' })).toEqual([2, 4, 6]);
    expect(await found({ limit: 4 })).toEqual([1, 2, 3, 4]);
    expect(await found({ group: 'others' })).toEqual([]);
    await expect(found({ since: 'yesterday' })).rejects.toMatchObject({ code: 'InvalidOption' });
  });

  it('redrives those that match, and tells how far it is', async () => {
    await using test = await setUp(7);
    const told: LettersProgress[] = [];
    const options = {
      error: 'bad',
      pageSize: 3,
      onProgress: (progress: LettersProgress) => told.push(progress),
    };
    expect(await test.cursor.redrive('q', options)).toBe(4);
    expect(told).toEqual([
      { moved: 3, total: 7 },
      { moved: 4, total: 7 },
    ]);
    expect(test.broker.leftOf('q')).toBe(4);
    expect(test.broker.leftOf('$dead.q')).toBe(3);
  });

  it('leaves what dies while it redrives', async () => {
    await using test = await setUp(4);
    const again = async () => {
      const redriven = await test.cursor.redrive('q', {
        pageSize: 1,
        onProgress: () => test.broker.add('$dead.q', test.broker.streams.get('$dead.q')![0]!),
      });
      return redriven;
    };
    expect(await again()).toBe(4);
    expect(test.broker.leftOf('$dead.q')).toBe(4);
  });

  it('deletes those that match', async () => {
    await using test = await setUp(5);
    expect(await test.cursor.deleteDeadLetters('q', { error: 'worse' })).toBe(2);
    expect(await test.cursor.deleteDeadLetters('q')).toBe(3);
    expect(await test.cursor.deadLetters('q')).toEqual([]);
  });

  it('redrives nothing where nothing died', async () => {
    await using test = await setUp(0);
    test.broker.streams.set('$dead.q', []);
    expect(await test.cursor.redrive('q')).toBe(0);
    await expect(test.cursor.redrive('missing')).rejects.toMatchObject({ code: 'StreamNotFound' });
  });

  it('does not move a page again after a lost connection', async () => {
    await using test = await setUp(1);
    test.broker.intercept = ({ opcode }, peer) => {
      if (opcode !== Opcode.Redrive && opcode !== Opcode.DeleteDeadLetters) return false;
      peer.socket.destroy();
      return true;
    };
    await expect(test.cursor.redrive('q')).rejects.toMatchObject({ code: 'ConnectionLost' });
    await expect(test.cursor.deleteDeadLetters('q')).rejects.toMatchObject({ code: 'ConnectionLost' });
  });
});
