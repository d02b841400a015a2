import { cp, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bind, Connection, Follower, Publisher } from '@simplemq/client';
import { spawnBroker, type TemporaryFolder, temporaryFolder } from '@simplemq/testkit';
import { describe, expect, it } from 'vitest';
import { Segment } from '../../packages/broker/src/store/journal/segment.ts';
import { recordsOf } from '../../packages/broker/src/store/journal/segment-records.ts';

const STREAM = 'torn';
const CONFIRMED = 50;
const BURST = 400;
const TEST_TIMEOUT_MS = 30_000;

/**
 * What a kill can leave of the journal. A confirm is sent after the fdatasync of its commit, so all that a crash, of the
 * machine even, can tear is what lies behind the last commit that was confirmed.
 */
describe('a broker whose journal ends in a torn write', { timeout: TEST_TIMEOUT_MS }, () => {
  it('has everything that was confirmed, when the torn part was not confirmed', async () => {
    await using folder = await temporaryFolder();
    await publishConfirmed(folder, CONFIRMED);
    const { file, ends } = journalOf(folder.path);
    const journal = await readFile(file);
    // As if the next commit had been written halfway: like the last one, and half as long.
    const last = journal.subarray(ends.at(-2), ends.at(-1));
    last.copy(journal, ends.at(-1)!, 0, last.length / 2);
    await writeFile(file, journal);
    expect(await drained(folder)).toEqual(numbersTo(CONFIRMED));
  });

  it('has everything up to the last confirm, wherever the bytes behind it are cut', async () => {
    await using original = await temporaryFolder();
    const confirmedEnd = await publishAndKill(original);
    const end = journalOf(original.path).ends.at(-1)!;
    for (const part of [0, 0.3, 0.6, 0.95]) {
      await using copy = await temporaryFolder();
      await cp(original.path, copy.path, { recursive: true });
      await truncate(journalOf(copy.path).file, confirmedEnd + Math.floor((end - confirmedEnd) * part));
      const numbers = await drained(copy);
      expect(numbers.length).toBeGreaterThanOrEqual(CONFIRMED);
      // Whole commits, in their order: nothing is missing in the middle.
      expect(numbers).toEqual(numbersTo(numbers.length));
    }
  });
});

/** The file of a journal of one segment, and where each of its records ends. */
function journalOf(path: string): { file: string; ends: number[] } {
  const file = join(path, 'simplemq.journal-1');
  const segment = Segment.open(file, 1)!;
  const ends = [...recordsOf(segment, 0, true)].map(({ position, data }) => position + data.length);
  segment.close();
  return { file, ends };
}

/** Has a broker confirm messages one by one, and kills it before it can tidy up. */
async function publishConfirmed(folder: TemporaryFolder, count: number): Promise<void> {
  await using broker = await spawnBroker({ storage: { path: folder.path } });
  await using connection = new Connection({ host: broker.host, port: broker.port });
  await connection.cursor().createStream(STREAM);
  await using publisher = new Publisher<number>(connection, new Bind(STREAM));
  for (let number = 1; number <= count; number++) await publisher.sendMessage(number);
  await broker.kill();
}

/** As publishConfirmed, and kills it while it commits more. @returns where the journal ended at the last awaited confirm */
async function publishAndKill(folder: TemporaryFolder): Promise<number> {
  await using broker = await spawnBroker({ storage: { path: folder.path } });
  const { host, port } = broker;
  const connection = new Connection({ host, port, reconnect: false });
  await connection.cursor().createStream(STREAM);
  const publisher = new Publisher<number>(connection, new Bind(STREAM));
  for (let number = 1; number <= CONFIRMED; number++) await publisher.sendMessage(number);
  const confirmedEnd = journalOf(folder.path).ends.at(-1)!;
  const burst: Promise<unknown>[] = [];
  for (let number = CONFIRMED + 1; number <= CONFIRMED + BURST; number++) {
    burst.push(publisher.sendMessage(number).catch(() => undefined));
    // A batch of its own for every tenth, so that there are several commits.
    if (number % 10 === 0) await new Promise(setImmediate);
  }
  await Promise.race(burst);
  await broker.kill();
  await Promise.all(burst);
  await connection.close();
  return confirmedEnd;
}

/** Starts a broker on the folder, and takes all that it has. Publishes one more: its number must be a new one. */
async function drained(folder: TemporaryFolder): Promise<number[]> {
  await using broker = await spawnBroker({ storage: { path: folder.path } });
  await using connection = new Connection({ host: broker.host, port: broker.port });
  await using publisher = new Publisher<number>(connection, new Bind(STREAM));
  const { streams } = await publisher.sendMessage(-1);
  const numbers: number[] = [];
  for await (const message of new Follower<number>(connection, new Bind(STREAM)).getMessages()) {
    await message.ack();
    expect(message.sequence).toBe(numbers.length + 1);
    if (message.body === -1) break;
    numbers.push(message.body);
  }
  expect(streams).toEqual([{ stream: STREAM, sequence: numbers.length + 1 }]);
  return numbers;
}

function numbersTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
