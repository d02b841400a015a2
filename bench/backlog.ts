import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Bind, Connection, Follower } from '@simplemq/client';
import { type RunningServer, residentMb, startRole, startSimpleMq, watchMemory } from './processes.ts';
import type { Figures } from './role.ts';

const HELP = `Measures the broker's memory under a backlog, and how long it takes to start on it.

  npm run bench:backlog -- [--messages N] [--body BYTES]      (default 10000000 of 128)
`;

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000000' },
    body: { type: 'string', default: '128' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) process.stdout.write(HELP);
else await main(Number(options.messages), Number(options.body));

async function main(messages: number, bodyBytes: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'simplemq-backlog-'));
  try {
    let server = await startSimpleMq(folder);
    say('empty', `${await residentMb(server)} MB resident`);
    await measured('publish', server, messages, bodyBytes);
    process.kill(server.pid, 'SIGKILL');
    const start = performance.now();
    server = await startSimpleMq(folder);
    const listeningMs = performance.now() - start;
    const firstMs = await untilFirstDelivery(server);
    say('restart', `after SIGKILL: listening in ${ms(listeningMs)}, first delivery ${ms(firstMs)} later`);
    await measured('consume', server, messages, bodyBytes);
    await server.stop();
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measured(
  work: 'publish' | 'consume',
  server: RunningServer,
  messages: number,
  bodyBytes: number,
): Promise<void> {
  const orders = {
    server: server.address,
    stream: 'bench',
    messages,
    bodyBytes,
    window: 10_000,
    connections: 1,
  };
  const role = await startRole(`./simplemq/${work}.ts`, orders);
  const memory = watchMemory(server);
  const figures = await role.go();
  say(work, `${rate(figures)}, at most ${await memory.stop()} MB resident`);
}

async function untilFirstDelivery({ address }: RunningServer): Promise<number> {
  const start = performance.now();
  await using connection = new Connection(address);
  const follower = new Follower(connection, new Bind('bench'));
  for await (const message of follower.getMessages()) {
    if (message.sequence > 0) break;
  }
  return performance.now() - start;
}

function rate({ messages, seconds }: Figures): string {
  return `${Math.round(messages / seconds).toLocaleString('en')} messages/s`;
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

function say(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(8)} ${figure}\n`);
}
