import { appendFile, cp, readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { Bind, Connection, Follower, Publisher } from '@simplemq/client';
import { spawnBroker, type TemporaryFolder, temporaryFolder } from '@simplemq/testkit';
import { describe, expect, it } from 'vitest';

const STREAM = 'torn';
const LOG_FILE = 'simplemq.db-wal';
/** Of the write-ahead log, https://sqlite.org/fileformat2.html#the_write_ahead_log. */
const FRAME_BYTES = 24 + 4096;
const CONFIRMED = 50;
const BURST = 400;
const TEST_TIMEOUT_MS = 30_000;

/**
 * What a kill can leave of the write-ahead log. A confirm is sent after the fdatasync of its commit, so all that a
 * crash, of the machine even, can tear is what lies behind the last commit that was confirmed. Bytes of a confirmed
 * commit cannot be torn but by damage to the disk or the file; then that commit and those behind it are gone, as a
 * whole, and the broker starts on what was before.
 */
describe('a broker whose write-ahead log ends in a torn write', { timeout: TEST_TIMEOUT_MS }, () => {
  it('has everything that was confirmed, when the torn part was not confirmed', async () => {
    await using folder = await temporaryFolder();
    await publishConfirmed(folder, CONFIRMED);
    const log = await readFile(join(folder.path, LOG_FILE));
    // As if the next commit had been written halfway: a header of a frame like the last one, and half of its page.
    await appendFile(join(folder.path, LOG_FILE), log.subarray(-FRAME_BYTES, -FRAME_BYTES / 2));
    expect(await drained(folder)).toEqual(numbersTo(CONFIRMED));
  });

  it('has everything up to the last confirm, wherever the bytes behind it are cut', async () => {
    await using original = await temporaryFolder();
    const confirmedBytes = await publishAndKill(original);
    const logBytes = (await stat(join(original.path, LOG_FILE))).size;
    for (const part of [0, 0.3, 0.6, 0.95]) {
      await using copy = await temporaryFolder();
      await cp(original.path, copy.path, { recursive: true });
      const cutAt = confirmedBytes + Math.floor(Math.max(0, logBytes - confirmedBytes) * part);
      if (cutAt < logBytes) await truncate(join(copy.path, LOG_FILE), cutAt);
      const numbers = await drained(copy);
      expect(numbers.length).toBeGreaterThanOrEqual(CONFIRMED);
      // Whole commits, in their order: nothing is missing in the middle.
      expect(numbers).toEqual(numbersTo(numbers.length));
    }
  });

  it('starts without its last commit when bytes of that were cut off, and has all the others', async () => {
    await using folder = await temporaryFolder();
    await publishConfirmed(folder, CONFIRMED);
    const file = join(folder.path, LOG_FILE);
    await truncate(file, (await stat(file)).size - 7);
    const numbers = await drained(folder);
    // Each of these messages was awaited, so each had a commit of its own. The last was already in the database file,
    // and the log of no more use, if the broker had half a second to tidy up.
    expect(numbers.length).toBeGreaterThanOrEqual(CONFIRMED - 1);
    expect(numbers).toEqual(numbersTo(numbers.length));
  });
});

/** Has a broker confirm messages one by one, and kills it before it can tidy up its log. */
async function publishConfirmed(folder: TemporaryFolder, count: number): Promise<void> {
  await using broker = await spawnBroker({ storage: { path: folder.path } });
  await using connection = new Connection({ host: broker.host, port: broker.port });
  await connection.cursor().createStream(STREAM);
  await using publisher = new Publisher<number>(connection, new Bind(STREAM));
  for (let number = 1; number <= count; number++) await publisher.sendMessage(number);
  await broker.kill();
}

/** As publishConfirmed, and kills it while it commits more. @returns the log's length after the last awaited confirm */
async function publishAndKill(folder: TemporaryFolder): Promise<number> {
  await using broker = await spawnBroker({ storage: { path: folder.path } });
  const { host, port } = broker;
  const connection = new Connection({ host, port, reconnect: false });
  await connection.cursor().createStream(STREAM);
  const publisher = new Publisher<number>(connection, new Bind(STREAM));
  for (let number = 1; number <= CONFIRMED; number++) await publisher.sendMessage(number);
  const { size } = await stat(join(folder.path, LOG_FILE));
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
  return size;
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
