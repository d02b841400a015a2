import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Bind, Connection, Publisher } from '@simplemq/client';
import { UserEditor } from '@simplemq/server';
import { startSimpleMq } from '../processes.ts';
import { FLOODS, type Flood, type FloodOrders, type Outcomes } from './flood-orders.ts';

const HELP = `Measures what a flood of wrong logins does to others: awaited publishes while logins come and while none do.

  npm run bench:logins -- [--seconds N] [--rounds N] [--rate N]      (default 5, 3 and 200 a second)

  none            nobody else is there
  no credentials  so many connections a second that are refused without a password being looked at
  one address     so many wrong passwords a second of one user from one address
  many addresses  each of another user from another address (127.0.0.0/8), so that no back-off holds them up
`;
/** A publish begins so long after the one before was confirmed, in ms. */
const PAUSE_MS = 2;

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '200' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) process.stdout.write(HELP);
else await main(Number(options.seconds), Number(options.rounds), Number(options.rate));

interface Latencies {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

async function main(seconds: number, rounds: number, rate: number): Promise<void> {
  const measured = new Map<Flood, Latencies[]>(FLOODS.map((flood) => [flood, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const flood of round % 2 === 1 ? FLOODS : FLOODS.toReversed()) {
      process.stderr.write(`${round}/${rounds} ${flood} … `);
      const { latencies, outcomes } = await measure(flood, seconds, rate);
      process.stderr.write(`${shown(latencies)}; ${JSON.stringify(outcomes)}\n`);
      measured.get(flood)?.push(latencies);
    }
  }
  const quiet = median(measured.get('none') ?? []);
  for (const [flood, rows] of measured) {
    const { p50Ms, p99Ms } = median(rows);
    const ratio = `${(p99Ms / quiet.p99Ms).toFixed(2)} x`;
    process.stdout.write(`${flood.padEnd(16)}${shown({ p50Ms, p99Ms })}   p99 ${ratio} that of none\n`);
  }
}

/** Each on a broker of its own, which remembers no failure of another. */
async function measure(
  flood: Flood,
  seconds: number,
  rate: number,
): Promise<{ latencies: Latencies; outcomes: Outcomes }> {
  const folder = await mkdtemp(join(tmpdir(), 'simplemq-logins-'));
  const users = new UserEditor(folder);
  await users.add('bench', 'the right password');
  await users.grant('bench', ['admin'], '.*');
  const password = await users.addToken('bench', 'bench', undefined);
  const server = await startSimpleMq(folder);
  const port = Number(new URL(server.address).port);
  const connection = new Connection({ host: '127.0.0.1', port, user: 'bench', password });
  await connection.cursor().createStream('orders');
  const publisher = new Publisher<string>(connection, new Bind('orders'));
  await publishFor(publisher, 1);
  const child = fork(fileURLToPath(new URL('./flood.ts', import.meta.url)));
  const orders: FloodOrders = { flood, port, rate };
  child.send(orders);
  // The first ones come before any back-off.
  await sleep(500);
  const latencies = latenciesOf(await publishFor(publisher, seconds));
  const outcomes = await stopped(child);
  await connection.close();
  await server.stop();
  await rm(folder, { recursive: true });
  return { latencies, outcomes };
}

async function publishFor(publisher: Publisher<string>, seconds: number): Promise<number[]> {
  const took: number[] = [];
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) {
    const begun = performance.now();
    await publisher.sendMessage('hello');
    took.push(performance.now() - begun);
    await sleep(PAUSE_MS);
  }
  return took;
}

async function stopped(child: ChildProcess): Promise<Outcomes> {
  child.send('stop');
  const [outcomes] = (await once(child, 'message')) as [Outcomes];
  await once(child, 'exit');
  return outcomes;
}

function latenciesOf(took: number[]): Latencies {
  const sorted = took.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

function median(rows: readonly Latencies[]): Latencies {
  const middle = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  return { p50Ms: middle(rows.map(({ p50Ms }) => p50Ms)), p99Ms: middle(rows.map(({ p99Ms }) => p99Ms)) };
}

function shown({ p50Ms, p99Ms }: Latencies): string {
  return `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
}
