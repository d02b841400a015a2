import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { aligned } from '../report.ts';
import { dedup } from './dedup.ts';
import { delayed } from './delayed.ts';
import type { Feature, Row, Unit } from './feature.ts';
import { groups } from './groups.ts';
import { keys } from './keys.ts';
import { plain } from './plain.ts';
import { replay } from './replay.ts';
import { routing } from './routing.ts';

const FEATURES: readonly Feature[] = [groups, delayed, keys, dedup, replay, routing, plain];

const HELP = `Measures what the features cost, clients and broker in processes of their own, every confirm after an fsync.

  npm run bench:features -- [options]

  --only A,B         ${FEATURES.map(({ id }) => id).join(', ')}
  --messages N       messages of each                      (default ${FEATURES.map(({ id, messages }) => `${id} ${messages}`).join(', ')})
  --body BYTES       size of a body, from 16 on            (default 128)
  --rounds N         rounds of dedup, routing and plain    (default 5)
  --against FOLDER   another checkout of this repository, with its node_modules, that plain is compared with
  --json FILE        write all figures as JSON
  --help

  npm run bench:features -- --only groups,keys --messages 100000

To see where the time goes, profiles of every process:

  npx node --conditions=@simplemq/source --cpu-prof --cpu-prof-dir=profiles bench/features/main.ts --only keys
`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    messages: { type: 'string' },
    body: { type: 'string', default: '128' },
    rounds: { type: 'string', default: '5' },
    against: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) process.stdout.write(HELP);
else await main();

async function main(): Promise<void> {
  const chosen = features();
  const messages = options.messages === undefined ? undefined : wholeNumber('messages', 100);
  const bodyBytes = wholeNumber('body', 16);
  const rounds = wholeNumber('rounds', 1);
  const against = benchOf(options.against);
  const rows: (Row & { feature: string })[] = [];
  for (const feature of chosen) {
    process.stderr.write(`${feature.id}: ${feature.title}\n`);
    await feature.run({
      messages: messages ?? feature.messages,
      bodyBytes,
      rounds,
      ...(against !== undefined && { against }),
      row(what, value, unit) {
        rows.push({ feature: feature.id, what, value, unit });
        process.stderr.write(`  ${what}: ${shown(value, unit)}\n`);
      },
    });
  }
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node.js ${process.version}`;
  const cells = rows.map(({ feature, what, value, unit }) => [`${feature}: ${what}`, shown(value, unit)]);
  process.stdout.write(`\n${machine}; ${bodyBytes}-byte bodies\n\n${aligned([['', 'figure'], ...cells])}\n`);
  if (options.json !== undefined) {
    await writeFile(options.json, `${JSON.stringify({ machine, bodyBytes, rounds, rows }, null, 2)}\n`);
  }
}

function features(): readonly Feature[] {
  const names = options.only?.split(',');
  const unknown = names?.find((name) => !FEATURES.some(({ id }) => id === name));
  if (unknown !== undefined) {
    fail(`--only takes names of ${FEATURES.map(({ id }) => id).join(', ')}, not '${unknown}'`);
  }
  return FEATURES.filter(({ id }) => names === undefined || names.includes(id));
}

function benchOf(checkout: string | undefined): URL | undefined {
  if (checkout === undefined) return undefined;
  const bench = `${resolve(checkout, 'bench')}/`;
  if (!existsSync(bench))
    fail(`--against takes a checkout of this repository; '${checkout}' has no folder bench`);
  return pathToFileURL(bench);
}

function shown(value: number, unit: Unit): string {
  if (unit === 'x') return `${value.toFixed(3)} x`;
  if (unit === 'ms') return `${value.toFixed(1)} ms`;
  const whole = Math.round(value).toLocaleString('en');
  return unit === '' ? whole : `${whole} ${unit}`;
}

function wholeNumber(option: 'messages' | 'body' | 'rounds', least: number): number {
  const number = Number(options[option]);
  if (Number.isSafeInteger(number) && number >= least) return number;
  return fail(`--${option} takes a whole number from ${least} on, not '${options[option]}'`);
}

function fail(message: string): never {
  process.stderr.write(`bench: ${message}\n`);
  process.exit(1);
}
