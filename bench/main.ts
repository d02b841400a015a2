import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { measure } from './measure.ts';
import { type Measured, table } from './report.ts';
import { SCENARIOS, type Size, type Subject } from './scenarios.ts';

const HELP = `Measures SimpleMQ, each client and the broker in a process of its own, every confirm after an fsync.

  npm run bench -- [options]

  --messages N     messages of a throughput scenario      (default 2000000; latencies take 1/200 of it)
  --body BYTES     size of a body                         (default 128)
  --rounds N       rounds; the medians are shown          (default 3)
  --only A,B       scenarios: ${SCENARIOS.map(({ id }) => id).join(', ')}
  --redis          also Redis Streams (redis-server on the PATH, appendfsync always, ioredis), in turn
  --json FILE      write all figures as JSON
  --help

  npm run bench -- --redis --rounds 5
`;

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '2000000' },
    body: { type: 'string', default: '128' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    redis: { type: 'boolean', default: false },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) process.stdout.write(HELP);
else await main();

async function main(): Promise<void> {
  const size: Size = { messages: count('messages'), bodyBytes: count('body') };
  const rounds = count('rounds');
  const only = options.only?.split(',');
  const scenarios = SCENARIOS.filter(({ id }) => only === undefined || only.includes(id));
  const subjects: Subject[] = [{ name: 'SimpleMQ', folder: 'simplemq' }];
  if (options.redis) subjects.push({ name: 'Redis Streams', folder: 'redis' });
  const measured: Measured[] = [];
  for (const scenario of scenarios) measured.push(...(await measure(scenario, subjects, size, rounds)));
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node.js ${process.version}`;
  const names = subjects.map(({ name }) => name);
  process.stdout.write(`\n${machine}; ${size.bodyBytes}-byte bodies; medians of ${rounds} rounds\n\n`);
  process.stdout.write(`${table(scenarios, names, measured)}\n`);
  if (options.json !== undefined) {
    await writeFile(options.json, `${JSON.stringify({ machine, ...size, rounds, measured }, null, 2)}\n`);
  }
}

function count(option: 'messages' | 'body' | 'rounds'): number {
  const number = Number(options[option]);
  if (!Number.isInteger(number) || number < 1) {
    process.stderr.write(`bench: --${option} takes a whole number from 1 on, not '${options[option]}'\n`);
    process.exit(1);
  }
  return number;
}
