import { startTestBroker } from '@simplemq/testkit';
import { describe, expect, it } from 'vitest';
import { Bind, Connection, Follower, type FollowerOptions, Publisher } from '../../src/index.ts';

async function setUp() {
  const broker = await startTestBroker();
  const connection = new Connection({ port: broker.port, host: broker.host });
  await connection.cursor().createStream('q', { retention: 'log' });
  return {
    cursor: connection.cursor(),
    publisher: new Publisher<number>(connection, new Bind('q')),
    follower: (options: FollowerOptions) => new Follower<number>(connection, new Bind('q'), options),
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker[Symbol.asyncDispose]();
    },
  };
}

async function taken(follower: Follower<number>, count: number): Promise<number[]> {
  const seen: number[] = [];
  for await (const message of follower.getMessages()) {
    seen.push(message.body);
    await message.ack();
    if (seen.length === count) break;
  }
  return seen;
}

describe('groups of a real broker', () => {
  it('begin where they are told to, each with all that comes from there on', async () => {
    await using test = await setUp();
    await test.publisher.sendMessages([1, 2, 3, 4]);
    expect(await test.cursor.createGroup('q', 'new', { startFrom: 'new' })).toBe(true);
    await test.publisher.sendMessages([5]);
    expect(await taken(test.follower({ group: 'new' }), 1)).toEqual([5]);
    expect(await taken(test.follower({ group: 'third', startFrom: { sequence: 3 } }), 3)).toEqual([3, 4, 5]);
    expect(await taken(test.follower({ group: 'old', startFrom: { time: new Date(0) } }), 5)).toEqual([
      1, 2, 3, 4, 5,
    ]);
    await test.cursor.resetGroup('q', 'new', { sequence: 2 });
    expect(await taken(test.follower({ group: 'new' }), 4)).toEqual([2, 3, 4, 5]);
    expect((await test.cursor.listGroups('q')).map(({ name }) => name)).toEqual(['new', 'old', 'third']);
    await test.cursor.deleteGroup('q', 'old');
    await expect(test.cursor.groupInfo('q', 'old')).rejects.toMatchObject({ code: 'GroupNotFound' });
  });

  it('keep the options that they came to be with; others are StreamConflict, unless they are updated', async () => {
    await using test = await setUp();
    await test.publisher.sendMessages([1, 2, 3]);
    expect(await taken(test.follower({ ordering: 'key', retry: { maxDeliveries: 3 } }), 1)).toEqual([1]);
    expect(await test.cursor.groupInfo('q', 'workers')).toMatchObject({
      options: { ordering: 'key', retry: { maxDeliveries: 3, factor: 2 } },
    });
    const other = test.follower({ retry: { maxDeliveries: 4 } });
    await expect(other.getMessages().next()).rejects.toMatchObject({ code: 'StreamConflict' });
    await test.cursor.updateGroup('q', 'workers', { retry: { maxDeliveries: 4 } });
    expect(await taken(other, 1)).toEqual([2]);
  });

  it('with ordering by key hand out one message of a key at a time, in order, to many handlers', async () => {
    await using test = await setUp();
    const sent = Array.from({ length: 200 }, (_, i) => test.publisher.sendMessage(i, { key: `k${i % 5}` }));
    await Promise.all(sent);
    const abort = new AbortController();
    const active = new Set<string>();
    const seen = new Map<string, number[]>();
    let most = 0;
    let handled = 0;
    await test.follower({ ordering: 'key' }).run(
      async (message) => {
        const key = message.key!;
        expect(active.has(key)).toBe(false);
        active.add(key);
        most = Math.max(most, active.size);
        await new Promise((resolve) => setTimeout(resolve, 1));
        active.delete(key);
        seen.set(key, [...(seen.get(key) ?? []), message.body]);
        if (++handled === 200) abort.abort();
      },
      { concurrency: 10, signal: abort.signal },
    );
    expect(most).toBeGreaterThan(1);
    for (const [key, bodies] of seen) {
      const first = Number(key.slice(1));
      expect(bodies).toEqual(Array.from({ length: 40 }, (_, i) => first + i * 5));
    }
  });

  it('that are exclusive have one follower at work, and another when that has gone', async () => {
    await using test = await setUp();
    const first = test.follower({ exclusive: true }).getMessages();
    const waiting = first.next();
    await test.publisher.sendMessage(1);
    await (await waiting).value!.ack();
    const second = test.follower({ exclusive: true }).getMessages().next();
    await test.publisher.sendMessage(2);
    const held = (await first.next()).value!;
    expect(held.body).toBe(2);
    await held.ack();
    await first.return!();
    await test.publisher.sendMessage(3);
    expect((await second).value).toMatchObject({ body: 3, attempt: 1 });
  });
});
