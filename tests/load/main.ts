import { parseArgs } from 'node:util';
import { loadCases } from './cases.ts';
import { type CaseReport, runCase } from './run-case.ts';

const CASES = loadCases(1);
const HELP = `Puts loads on a broker that are too much for many: its resident memory must stay below a bound, and somebody
else on it, who publishes, takes and acks one message after the other, must get each in order, and soon. Exits 1 if not.

  npm run test:load -- [options]

  --seconds N   that the other is looked at, before, during and after each load   (default 10)
  --times T     what the 99th percentile of the other's times may become          (default 3)
  --size S      of the loads, as a share                                          (default 1)
  --intake B    of the broker: limits.maxUnconfirmedBytesTotal, '4 MiB'           (default: its own)
  --only A,B    of these loads:
${CASES.map(({ id, title }) => `                  ${id.padEnd(16)}${title}`).join('\n')}
  --help

Linux only. Run it while the machine does nothing else.
`;
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    times: { type: 'string', default: '3' },
    size: { type: 'string', default: '1' },
    intake: { type: 'string' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const [seconds, times, size] = [values.seconds, values.times, values.size].map(Number) as [
  number,
  number,
  number,
];
const only = values.only?.split(',');
const isRight =
  [seconds, times, size].every((number) => number > 0) &&
  (only?.every((id) => CASES.some((load) => load.id === id)) ?? true);
if (values.help || !isRight) {
  process.stderr.write(HELP);
  process.exit(values.help ? 0 : 1);
}

const rows = [['load', 'seen', 'p99 alone', 'under load', 'times', 'memory', 'bound']];
const problems: string[] = [];
for (const load of loadCases(size).filter(({ id }) => only?.includes(id) ?? true)) {
  const show = (phase: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${load.title}: ${phase} …`);
  };
  const report = await runCase(load, { seconds, intake: values.intake, onPhase: show });
  rows.push(rowOf(report));
  const ratio = timesOf(report);
  const slow =
    ratio > times ? [`the 99th percentile of others became ${ratio.toFixed(1)} times as long`] : [];
  problems.push(...[...report.problems, ...slow].map((problem) => `${load.title}: ${problem}`));
}
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
for (const row of rows)
  console.log(
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
for (const problem of problems) console.log(`\n${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;

/** From a publish to having the message; without a load, before and after it. */
function timesOf({ alone, during, after }: CaseReport): number {
  return during.comeP99! / ((alone.comeP99! + after.comeP99!) / 2);
}

function rowOf(report: CaseReport): string[] {
  const { load, facts, alone, during, after, residentMib } = report;
  const seen = Object.entries(facts).map(([name, value]) => `${name} ${value.toLocaleString('en')}`);
  return [
    load.title,
    seen.join(', '),
    `${ms(alone.comeP99!)}, ${ms(after.comeP99!)}`,
    ms(during.comeP99!),
    timesOf(report).toFixed(1),
    `${residentMib} MiB`,
    `${Math.round(load.residentMibMax)} MiB`,
  ];
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`;
}
