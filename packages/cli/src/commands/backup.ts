import { Command } from 'commander';
import { BackupFile } from '../backup/backup-file.ts';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { withCursor } from '../connection/open-connection.ts';
import { examples } from '../examples.ts';
import { duration, size } from '../terminal/amounts.ts';
import { print, printJson } from '../terminal/print.ts';
import { barText, openProgressBar } from '../terminal/progress-bar.ts';

export function backupCommand(): Command {
  return takesBroker(
    new Command('backup')
      .argument('<file>', 'where to write it; a file that is there is not written over')
      .summary('copy all that a running broker has into one file')
      .description(
        'Copy all that a running broker has into one file, as it is now: streams, messages, groups, what they acked. ' +
          "The broker goes on meanwhile. 'simplemq restore' makes a data folder of it.",
      )
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq backup monday.backup'))
      .action(backup),
  );
}

async function backup(path: string, flags: ClientFlags): Promise<void> {
  const startedAt = performance.now();
  await using file = await BackupFile.create(path);
  await withCursor(flags, async (cursor) => {
    const pieces = await cursor.backup();
    const bar = openProgressBar(() => line(file.bytes, pieces.bytes));
    try {
      for await (const piece of pieces) await file.write(piece);
    } finally {
      bar.stop();
    }
  });
  await file.finish();
  const { bytes } = file;
  const tookMs = Math.round(performance.now() - startedAt);
  if (flags.json) await printJson({ file: path, bytes, tookMs });
  else await print(`wrote ${size(bytes)} to ${path} in ${duration(tookMs)}\n`);
}

function line(bytes: number, total: number): string {
  return `${barText(bytes / Math.max(1, total))}  ${size(bytes)} of ${size(Math.max(bytes, total))}`;
}
