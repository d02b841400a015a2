import type { CheckReport, Finding } from '@simplemq/server';
import { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import { examples } from '../examples.ts';
import { type ServerFlags, settingsSources } from '../server-flags.ts';
import { count, counted } from '../terminal/amounts.ts';
import { print, printJson } from '../terminal/print.ts';
import { barText, openProgressBar } from '../terminal/progress-bar.ts';
import { green } from '../terminal/style.ts';
import { table } from '../terminal/table.ts';
import { instant } from '../terminal/times.ts';
import { visible } from '../terminal/visible.ts';

interface CheckFlags extends Pick<ServerFlags, 'settings' | 'data'> {
  readonly json?: boolean;
}

const COLUMNS = [
  { head: 'STREAM' },
  { head: 'LANE', align: 'right' },
  { head: 'SEQUENCES' },
  { head: 'MESSAGES', align: 'right' },
  { head: 'FILE' },
  { head: 'BYTE', align: 'right' },
  { head: 'WHY' },
] as const;

export function checkCommand(): Command {
  return new Command('check')
    .argument('[settings.yaml]', 'settings file (default: ./settings.yaml, if there is one)')
    .summary('look for damage in a data folder')
    .description(
      'Read all of a data folder that no broker runs on, and tell what is damaged in it. Nothing is changed. ' +
        'Ends with 1 when anything is damaged.',
    )
    .option('--settings <file>', 'the same, as an option')
    .option('--data <folder>', 'the data folder (default: that of the settings)')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('simplemq check', 'simplemq check --data /var/lib/simplemq'))
    .action(check);
}

async function check(file: string | undefined, flags: CheckFlags): Promise<void> {
  // Loaded here, because no other command needs a server.
  const { checkFolder, loadSettings } = await import('@simplemq/server');
  const folder = loadSettings(settingsSources(file, flags)).storage.path;
  if (folder === ':memory:')
    throw new CommandError('a broker that keeps its data in memory only has no folder');
  let part = 0;
  const bar = openProgressBar(() => `${barText(part)}  ${folder}`);
  let report: CheckReport;
  try {
    report = await checkFolder({
      folder,
      onProgress: (done) => {
        part = done;
      },
    });
  } catch (cause) {
    throw new CommandError((cause as Error).message, { cause });
  } finally {
    bar.stop();
  }
  if (flags.json) await printJson(report);
  else await print(text(report));
  const { length } = report.findings;
  if (length > 0)
    throw new CommandError(
      `${counted(length, 'thing')} in '${folder}' ${length === 1 ? 'is' : 'are'} damaged`,
    );
}

function text({ findings, tornAt, batches, messages, records }: CheckReport): string {
  const read = `${counted(records, 'record')} of the journal, ${counted(messages, 'message')} in ${count(batches)} ${batches === 1 ? 'batch' : 'batches'}`;
  const torn =
    tornAt === undefined
      ? ''
      : `the journal ends in a commit that is not whole, at byte ${count(tornAt.byte)} of ${visible(tornAt.file)}: the ` +
        'broker was stopped while it wrote that, and had confirmed none of it, or it was damaged later\n';
  if (findings.length === 0) return `${torn}${green('nothing is damaged')}: ${read}\n`;
  return `${table(COLUMNS, findings.map(row))}${torn}${read} were read\n`;
}

function row({
  stream,
  lane,
  first,
  last,
  delayedId,
  messages,
  file,
  byte,
  why,
  setAsideAt,
}: Finding): string[] {
  const delayed = delayedId === undefined ? '-' : `delayed ${delayedId}`;
  return [
    stream === undefined ? '-' : visible(stream),
    lane === undefined ? '-' : String(lane),
    first === undefined || last === undefined
      ? delayed
      : first === last
        ? String(first)
        : `${first} to ${last}`,
    messages === undefined ? '-' : count(messages),
    visible(file),
    byte === undefined ? '-' : String(byte),
    visible(setAsideAt === undefined ? why : `${why}; set aside ${instant(new Date(setAsideAt))}`),
  ];
}
