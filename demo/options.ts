import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly file: string;
  /** How long the publishers go on, at the least. */
  readonly seconds: number;
}

const DEFAULT_FILE = fileURLToPath(new URL('../docs/PROTOCOL.md', import.meta.url));
const DEFAULT_SECONDS = 8;
const SECONDS_MAX = 3_600;

export const HELP = `Usage: npm run demo [-- [options] [file]]

Shows SimpleMQ at work, and what a crash does to it. Every part is a process of its own: a broker with
its data in a temporary folder; two publishers, each of which sends every line of the file to two
streams at once; three workers, which compete for one of the streams; and a follower of all streams
that match a pattern. In the middle the broker is killed with SIGKILL and started again. At the end
every line is accounted for.

  file                lines of text to send; default docs/PROTOCOL.md
  -s, --seconds <n>   how long to publish; the file is sent again and again until then, and once
                      at least; default ${DEFAULT_SECONDS}
  -h, --help          this

  npm run demo
  npm run demo -- --seconds 30 /var/log/syslog

Exits 0 when nothing was lost or left pending, 1 when something was, 2 when the demo could not run.
`;

/** @returns undefined when help was asked for. @throws with one line that says what is wrong */
export function readOptions(args: string[]): DemoOptions | undefined {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' }, seconds: { type: 'string', short: 's' } },
  });
  if (values.help === true) return undefined;
  if (positionals.length > 1) throw new Error(`one file, please; there are ${positionals.length}`);
  const seconds = Number(values.seconds ?? DEFAULT_SECONDS);
  if (!(seconds > 0 && seconds <= SECONDS_MAX)) {
    throw new Error(`--seconds is ${values.seconds}; it must be a number from 0 to ${SECONDS_MAX}`);
  }
  return { file: positionals[0] ?? DEFAULT_FILE, seconds };
}
