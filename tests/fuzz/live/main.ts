import { parseArgs } from 'node:util';
import { liveFuzz } from './live-fuzz.ts';

const USAGE = `npm run test:fuzz-live -- [--inputs 1000000] [--seed n]

Sends a broker in a process of its own frames that were changed at random, whole and in pieces, and holds that it answers or
closes, that another client notices nothing, and that its memory stays as it was. Exits 1 if it does not. Linux only.`;

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    help: { type: 'boolean', default: false },
  },
});
const inputs = Number(values.inputs);
const seed = Number(values.seed);
const isRight = Number.isSafeInteger(inputs) && inputs > 0 && Number.isSafeInteger(seed);
if (values.help || !isRight) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 1);
}
const startedAt = performance.now();
const report = await liveFuzz({ inputs, seed, onProgress: show });
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
const seconds = Math.round((performance.now() - startedAt) / 1_000);
const rows = {
  inputs: `${report.inputs} in ${seconds} s (seed ${seed})`,
  'connections closed': report.closed,
  'messages of a bystander': report.bystanderMessages,
  'resident memory of the broker after a quarter': `${report.quarterMb} MB`,
  'at the end': `${report.endMb} MB`,
};
for (const [title, value] of Object.entries(rows)) console.log(`${title.padEnd(48)}${value}`);

function show(done: number, residentMb: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${done} of ${inputs} inputs, ${residentMb} MB`);
}
