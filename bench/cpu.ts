import { readdir, readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type RunningServer, runAlone, startRole, startSimpleMq } from './processes.ts';
import type { Figures, Orders } from './role.ts';
import { TemporaryFolder } from './temporary-folder.ts';

const HELP = `Tells where the processors' time goes: of each thread of the broker and of its clients, for one message.

  npm run bench:cpu -- [--messages N]      (default 4000000 of 128 bytes; other cases take a share of it)
`;

interface Case {
  readonly title: string;
  readonly share: number;
  readonly bodyBytes: number;
  readonly window: number;
  /** Roles that work at the same time, each in a process. */
  readonly roles: readonly ('publish' | 'consume' | 'awaited' | 'connections')[];
  /** What is published first, so that there is something to consume. */
  readonly hasBacklog?: boolean;
}

const WINDOW = 10_000;
const CASES: readonly Case[] = [
  { title: 'publish, 128 B', share: 1, bodyBytes: 128, window: WINDOW, roles: ['publish'] },
  { title: 'consume, 128 B', share: 1, bodyBytes: 128, window: WINDOW, roles: ['consume'], hasBacklog: true },
  { title: 'both at once, 128 B', share: 1, bodyBytes: 128, window: WINDOW, roles: ['publish', 'consume'] },
  { title: 'publish, 1 KiB', share: 8, bodyBytes: 1_024, window: WINDOW, roles: ['publish'] },
  { title: 'publish, 1 MiB', share: 4_000, bodyBytes: 1_048_576, window: 64, roles: ['publish'] },
  { title: 'one awaited publish', share: 100, bodyBytes: 128, window: 1, roles: ['awaited'] },
  { title: '100 connections awaiting', share: 20, bodyBytes: 128, window: 1, roles: ['connections'] },
];

/** CPU seconds by name. */
type Times = Map<string, number>;

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '4000000' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) process.stdout.write(HELP);
else await main(Number(options.messages));

async function main(messages: number): Promise<void> {
  const columns = ['messages/s', 'broker, main', 'storage', 'V8’s own', 'publisher', 'follower', 'in all'];
  process.stdout.write(`Microseconds of CPU for one message.\n\n| | ${columns.join(' | ')} |\n`);
  process.stdout.write(`|---|${columns.map(() => '---:').join('|')}|\n`);
  for (const each of CASES) {
    const count = Math.max(1_000, Math.round(messages / each.share));
    const { figures, broker } = await measured(each, count);
    const seconds = Math.max(...figures.map((one) => one.seconds));
    const ofRole = (role: string) =>
      figures[each.roles.findIndex((name) => (name === 'consume') === (role === 'follower'))];
    const times = [
      broker.get('main') ?? 0,
      broker.get('storage') ?? 0,
      broker.get('V8') ?? 0,
      ofRole('publisher')?.cpuSeconds ?? 0,
      ofRole('follower')?.cpuSeconds ?? 0,
    ];
    const all = times.reduce((sum, time) => sum + time, 0);
    const shown = [...times, all].map((time) => ((time * 1e6) / count).toPrecision(3));
    process.stdout.write(
      `| ${each.title} | ${Math.round(count / seconds).toLocaleString('en')} | ${shown.join(' | ')} |\n`,
    );
  }
}

async function measured(each: Case, messages: number): Promise<{ figures: Figures[]; broker: Times }> {
  await using folder = await TemporaryFolder.create('cpu');
  const server = await startSimpleMq(folder.path);
  try {
    // Compiles what is measured afterwards.
    for (const role of ['publish', 'consume'] as const) {
      await runAlone(`./simplemq/${role}.ts`, orders(server, each, Math.min(messages, 200_000), 'warm-up'));
    }
    if (each.hasBacklog) await runAlone('./simplemq/publish.ts', orders(server, each, messages, 'bench'));
    const running = [];
    for (const role of each.roles.toReversed()) {
      running.unshift(await startRole(`./simplemq/${role}.ts`, orders(server, each, messages, 'bench')));
    }
    const before = await threadTimes(server);
    const figures = await Promise.all(running.map((role) => role.go()));
    const after = await threadTimes(server);
    const broker: Times = new Map([...after].map(([name, time]) => [name, time - (before.get(name) ?? 0)]));
    return { figures, broker };
  } finally {
    await server.stop();
  }
}

function orders(
  server: RunningServer,
  { bodyBytes, window }: Case,
  messages: number,
  stream: string,
): Orders {
  return { server: server.address, stream, messages, bodyBytes, window, connections: 100 };
}

/** Of the broker, all so far. Linux only. */
async function threadTimes({ pid }: RunningServer): Promise<Times> {
  const times: Times = new Map();
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const read = (file: string) => readFile(`/proc/${pid}/task/${thread}/${file}`, 'utf8');
    const name = nameOf((await read('comm')).trim());
    const [nanoseconds] = (await read('schedstat')).split(' ');
    times.set(name, (times.get(name) ?? 0) + Number(nanoseconds) / 1e9);
  }
  return times;
}

function nameOf(thread: string): string {
  if (thread === 'MainThread' || thread === 'node') return 'main';
  return thread.startsWith('simplemq-') ? 'storage' : 'V8';
}
