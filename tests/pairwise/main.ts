import { parseArgs } from 'node:util';
import { runPairwise } from './pairwise.ts';
import { PAIRS } from './settings.ts';

const HELP = `Streams with random settings under random loads, with restarts and crashes, checked for every promise.

  npm run test:pairwise -- [options]

  --runs N    random runs   (default 2000)
  --seed N    begin with this seed, as a failure names it
  --help
`;

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '2000' }, seed: { type: 'string' }, help: { type: 'boolean' } },
});
if (values.help) process.stdout.write(HELP);
else {
  // Timers of the engine do not keep a process alive.
  const alive = setInterval(() => {}, 1_000);
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  const runs = Number(values.runs);
  let done = 0;
  const show = (pairs: ReadonlySet<string>): void => {
    done++;
    if (process.stderr.isTTY || done % 100 === 0)
      process.stderr.write(
        `\r${done} of ${runs} runs, ${pairs.size} of ${PAIRS} pairs of settings, seed ${seed} `,
      );
  };
  try {
    const pairs = await runPairwise({ runs, seed, onRun: show });
    process.stderr.write('\n');
    process.stdout.write(`${runs} runs, 0 violations, ${pairs.size} of ${PAIRS} pairs of settings\n`);
  } catch (error) {
    process.stderr.write('\n');
    process.stdout.write(`${(error as Error).message}\n${String((error as Error).cause ?? '')}\n`);
    process.exitCode = 1;
  }
  clearInterval(alive);
}
