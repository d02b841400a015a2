/**
 * Makes one of the old data folders beside this file; README.md says how to run it in an older revision. So it speaks to
 * the SDK in the way of the first version, and uses what came later only for a schema that has it:
 *
 *   node --conditions=@simplemq/source make-folder.ts <schema version> <file to write>
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { Bind, Connection, Follower, Publisher } from '@simplemq/client';
import { startServer } from '@simplemq/server';

const ORDERS = 60;
const JOBS = 6;
/** The folder is opened again later than this. */
const SOON_MS = 5_000;
const FAR = Date.UTC(2200, 0, 1);

const version = Number(process.argv[2]);
const file = process.argv[3]!;
const folder = mkdtempSync(join(tmpdir(), 'simplemq-old-'));
const server = await startServer({ port: 0, storage: { path: folder }, logs: { level: 'silent' } });
const connection = new Connection({ port: server.port, reconnect: false });
const cursor = connection.cursor();

await cursor.createStream('orders');
const orders = new Publisher(connection, new Bind('orders'));
// Awaited one by one, so that there are as many batches; then the rest in one.
for (let n = 1; n <= ORDERS / 2; n++) await orders.sendMessage(`order ${n}`);
await Promise.all(
  Array.from({ length: ORDERS / 2 }, (_, i) => orders.sendMessage(`order ${ORDERS / 2 + 1 + i}`)),
);
// 1 to 20 and 25 are acked, 21 has failed once, the others are pending or were never delivered.
await take('orders', ORDERS / 2, {}, async (message) => {
  if (message.sequence <= 20 || message.sequence === 25) await message.ack();
  else if (message.sequence === 21) await message.nack({ delayMs: 0 });
});

if (version >= 2) {
  await cursor.createStream('events', { retention: 'log', maxMessages: 1_000 });
  const events = new Publisher(connection, new Bind('events'));
  for (const priority of ['low', 'critical', 'normal'] as const) {
    await events.sendMessage({ priority }, { priority, headers: { kept: priority }, key: priority });
  }
  await events.sendMessage('due soon', { deliverAt: Date.now() + SOON_MS });
  await events.sendMessage('due late', { deliverAt: FAR });
  await cursor.createGroup('events', 'audit');

  await cursor.createStream('jobs');
  const jobs = new Publisher(connection, new Bind('jobs'));
  for (let n = 1; n <= JOBS; n++) await jobs.sendMessage(`job ${n}`);
  // The even ones die, and the odd ones are acked.
  await take('jobs', JOBS, { retry: { maxDeliveries: 1 } }, async (message) => {
    if (message.sequence % 2 === 1) await message.ack();
    else await message.nack({ reason: `no luck with ${message.sequence}` });
  });
  while ((await cursor.deadLetters('jobs')).length < JOBS / 2) await new Promise(setImmediate);
  await cursor.createStream('greetings');
  await cursor.saveSchedule('yearly', { stream: 'greetings', cron: '0 0 1 1 *', body: 'happy new year' });
}

// As a crash would leave it: copied while the broker runs.
const files = Object.fromEntries(
  readdirSync(folder)
    .filter((name) => !/-shm$|spare/.test(name))
    .map((name) => [name, readFileSync(join(folder, name)).toString('base64')]),
);
writeFileSync(file, deflateSync(JSON.stringify(files), { level: 9 }));
await connection.close();
await server.close();
rmSync(folder, { recursive: true });

interface Taken {
  readonly sequence: number;
  ack(): Promise<void>;
  nack(options?: object): Promise<void>;
}

/** Takes so many messages, each in its first attempt, and does with them as `settle` says. */
async function take(
  stream: string,
  count: number,
  options: object,
  settle: (message: Taken) => Promise<void>,
): Promise<void> {
  const follower = new Follower(connection, new Bind(stream), { prefetch: count, ...options });
  let taken = 0;
  for await (const message of follower.getMessages()) {
    if (message.attempt > 1) continue;
    await settle(message);
    if (++taken === count) break;
  }
}
