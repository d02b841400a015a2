import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { Bind, Connection, type Cursor, Follower, type Message, Publisher } from '@simplemq/client';
import { startTestBroker, temporaryFolder } from '@simplemq/testkit';
import { describe, expect, test } from 'vitest';

const ORDERS = 60;
const FAR = Date.UTC(2200, 0, 1);
/** 1 to 20 and 25 were acked. */
const UNACKED: number[] = numbers(21, ORDERS).filter((n) => n !== 25);
const HELD: number[] = UNACKED.filter((n) => n <= ORDERS / 2);

/** A data folder as a broker of that version left it; see README.md. */
function unpack(version: number, folder: string): void {
  const packed = readFileSync(new URL(`./version-${version}.folder`, import.meta.url));
  const files = JSON.parse(inflateSync(packed).toString()) as Record<string, string>;
  for (const [name, base64] of Object.entries(files)) {
    writeFileSync(join(folder, name), Buffer.from(base64, 'base64'));
  }
}

async function withBroker(path: string, look: (connection: Connection, cursor: Cursor) => Promise<void>) {
  await using broker = await startTestBroker({ storage: { path } });
  await using connection = new Connection({ port: broker.port, reconnect: false });
  await look(connection, connection.cursor());
}

async function take<T>(connection: Connection, stream: string, count: number, group = 'workers') {
  const taken: Message<T>[] = [];
  const follower = new Follower<T>(connection, new Bind(stream), { group, prefetch: count });
  for await (const message of follower.getMessages()) {
    taken.push(message);
    await message.ack();
    if (taken.length === count) break;
  }
  return taken;
}

describe.each([1, 2, 3])('a data folder of schema version %i', (version) => {
  test('has its messages, what is pending and what is acked, goes on, and starts again', async () => {
    await using folder = await temporaryFolder();
    unpack(version, folder.path);
    await withBroker(folder.path, async (connection, cursor) => {
      // Those that were held, and perhaps some that were on their way to the follower.
      const pending = (await cursor.pending('orders')).map(({ sequence }) => sequence);
      expect(pending).toEqual(UNACKED.slice(0, pending.length));
      expect(pending.length).toBeGreaterThanOrEqual(HELD.length);
      const taken = await take<string>(connection, 'orders', UNACKED.length);
      expect(taken.map(({ body }) => body).sort(byNumber)).toEqual(UNACKED.map((n) => `order ${n}`));
      for (const { sequence, body, attempt } of taken) {
        expect(body).toBe(`order ${sequence}`);
        // What was held when the broker went is delivered in another attempt.
        if (HELD.includes(sequence)) expect(attempt).toBeGreaterThan(1);
        else if (!pending.includes(sequence)) expect(attempt).toBe(1);
      }
      const publisher = new Publisher(connection, new Bind('orders'));
      const { streams } = await publisher.sendMessage('order 61');
      expect(streams).toEqual([{ stream: 'orders', sequence: ORDERS + 1 }]);
    });
    await withBroker(folder.path, async (connection) => {
      const [last] = await take<string>(connection, 'orders', 1);
      expect(last).toMatchObject({ sequence: ORDERS + 1, body: 'order 61' });
    });
  });
});

describe.each([2, 3])('a data folder of schema version %i', (version) => {
  test('has its groups, lanes, delayed messages, dead letters and schedules', async () => {
    await using folder = await temporaryFolder();
    unpack(version, folder.path);
    for (let start = 1; start <= 2; start++) {
      await withBroker(folder.path, async (_, cursor) => {
        const letters = await cursor.deadLetters('jobs');
        expect(letters.map(({ originalSequence, body }) => [originalSequence, body])).toEqual([
          [2, 'job 2'],
          [4, 'job 4'],
          [6, 'job 6'],
        ]);
        expect(letters[0]!.attempts).toMatchObject([{ attempt: 1, cause: 'nack', error: 'no luck with 2' }]);
        expect(await cursor.pending('jobs')).toEqual([]);
        const delayed = await cursor.delayed('events');
        expect(delayed.map(({ deliverAt }) => deliverAt.getTime())).toContain(FAR);
        expect(await cursor.listSchedules()).toMatchObject([{ name: 'yearly', cron: '0 0 1 1 *' }]);
      });
    }
    await withBroker(folder.path, async (connection, cursor) => {
      // The most urgent comes first; what was due in a minute has entered behind them.
      const events = await take<{ priority: string } | string>(connection, 'events', 4, 'audit');
      expect(events.map(({ body }) => body)).toEqual([
        { priority: 'critical' },
        { priority: 'normal' },
        'due soon',
        { priority: 'low' },
      ]);
      expect(events[0]!.headers).toEqual({ kept: 'critical' });
      expect(await cursor.redrive('jobs')).toBe(3);
      const jobs = await take<string>(connection, 'jobs', 3);
      expect(jobs.map(({ body }) => body)).toEqual(['job 2', 'job 4', 'job 6']);
    });
  });
});

function numbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function byNumber(a: string, b: string): number {
  return Number(a.split(' ')[1]) - Number(b.split(' ')[1]);
}
