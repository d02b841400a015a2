import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Bind, Connection, Publisher } from '@simplemq/client';
import { Backups } from './backups.ts';
import { peakDuring } from './growth/memory.ts';
import { undoOnInterrupt } from './interrupt.ts';
import { type RunningServer, startSimpleMq } from './processes.ts';
import { TemporaryFolder } from './temporary-folder.ts';

const HELP = `Measures what a backup costs those who publish meanwhile: the rate of one publisher with many on the way, and how long
another one, which awaits each publish, waits; in turn without and with 'simplemq backup' running over and over.

  npm run bench:backup -- [--mib N] [--seconds S] [--rounds R]    (default 1024 MiB of messages first, 8 s, 3 rounds)
`;

const MIB = 2 ** 20;
const BODY = 'x'.repeat(128);
const WINDOW = 10_000;

const { values: options } = parseArgs({
  options: {
    mib: { type: 'string', default: '1024' },
    seconds: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) process.stdout.write(HELP);
else await main(Number(options.mib), Number(options.seconds), Number(options.rounds));

async function main(mib: number, seconds: number, rounds: number): Promise<void> {
  undoOnInterrupt();
  await using folder = await TemporaryFolder.create('backup');
  const server = await startSimpleMq(join(folder.path, 'data'));
  await fill(server, mib);
  for (let round = 1; round <= rounds; round++) {
    for (const isBackedUp of [false, true]) {
      const backups = new Backups(server, join(folder.path, 'copy'));
      if (isBackedUp) backups.start();
      const { result, peakBytes } = await peakDuring(server.pid, () => publish(server, seconds * 1_000));
      await backups.stop();
      const backedUp = isBackedUp ? `${backups.done} backups of ${mibOf(backups.bytes)} MiB` : 'no backup';
      const { rate, p50, p99, worst } = result;
      process.stdout.write(
        `${round}/${rounds}  ${backedUp.padEnd(24)} ${Math.round(rate).toLocaleString('en').padStart(10)} messages/s   ` +
          `awaited: median ${p50.toFixed(2)} ms, p99 ${p99.toFixed(1)} ms, worst ${worst.toFixed(0)} ms   ` +
          `broker at most ${mibOf(peakBytes)} MiB\n`,
      );
    }
  }
  await server.stop();
}

/** Messages that stay. */
async function fill({ address }: RunningServer, mib: number): Promise<void> {
  await using connection = new Connection(address);
  await connection.cursor().createStream('kept');
  const publisher = new Publisher(connection, new Bind('kept'));
  const body = Buffer.alloc(64 * 1024, 'kept');
  for (let i = 0; i < mib; i++) {
    await Promise.all(Array.from({ length: 16 }, () => publisher.sendMessage(body)));
    if (process.stderr.isTTY) process.stderr.write(`\r${i + 1} of ${mib} MiB published first`);
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}

interface Figures {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
}

async function publish({ address }: RunningServer, forMs: number): Promise<Figures> {
  await using many = new Connection(address);
  await using one = new Connection(address);
  const cursor = many.cursor();
  await cursor.createStream('busy', { retention: 'log', maxMessages: 1_000_000, overflow: 'drop-oldest' });
  await cursor.createStream('awaited', { retention: 'log', maxMessages: 10_000, overflow: 'drop-oldest' });
  const until = performance.now() + forMs;
  const [messages, times] = await Promise.all([pour(many, until), awaitEach(one, until)]);
  const sorted = times.sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
  return { rate: messages / (forMs / 1_000), p50: at(0.5), p99: at(0.99), worst: at(1) };
}

/** Keeps so many on the way. */
async function pour(connection: Connection, until: number): Promise<number> {
  const publisher = new Publisher(connection, new Bind('busy'));
  let messages = 0;
  const half = async (): Promise<void> => {
    while (performance.now() < until) {
      await publisher.sendMessages(Array.from({ length: WINDOW / 2 }, () => BODY));
      messages += WINDOW / 2;
    }
  };
  await Promise.all([half(), half()]);
  return messages;
}

async function awaitEach(connection: Connection, until: number): Promise<number[]> {
  const publisher = new Publisher(connection, new Bind('awaited'));
  const times: number[] = [];
  while (performance.now() < until) {
    const start = performance.now();
    await publisher.sendMessage(BODY);
    times.push(performance.now() - start);
  }
  return times;
}

function mibOf(bytes: number): string {
  return Math.round(bytes / MIB).toLocaleString('en');
}
