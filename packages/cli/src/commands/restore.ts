import { Command, Option } from 'commander';
import { CommandError } from '../command-error.ts';
import { examples } from '../examples.ts';
import { counted, size } from '../terminal/amounts.ts';
import { print, printJson } from '../terminal/print.ts';
import { barText, openProgressBar } from '../terminal/progress-bar.ts';

interface RestoreFlags {
  readonly data?: string;
  readonly check?: boolean;
  readonly json?: boolean;
}

export function restoreCommand(): Command {
  return new Command('restore')
    .argument('<file>', 'a backup')
    .summary('make a data folder of a backup')
    .description(
      'Make a data folder of a backup, for a broker to be started on. A backup that is cut or damaged is refused, ' +
        'and so is a folder that is not empty; then nothing is changed.',
    )
    .addOption(new Option('--data <folder>', 'the folder; it is made if it is missing').conflicts('check'))
    .option('--check', 'only look whether the backup is whole')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'simplemq restore monday.backup --data /var/lib/simplemq',
        'simplemq restore monday.backup --check',
      ),
    )
    .action(restore);
}

async function restore(file: string, { data: folder, check, json }: RestoreFlags): Promise<void> {
  if (folder === undefined && !check) {
    throw new CommandError('name the folder with --data <folder>, or only look with --check');
  }
  // Loaded here, because most commands need no server.
  const { restoreBackup } = await import('@simplemq/server');
  let read = 0;
  let total = 1;
  const bar = openProgressBar(() => `${barText(read / total)}  ${size(read)} of ${size(total)}`);
  const onProgress = (now: number, all: number) => {
    read = now;
    total = all;
  };
  try {
    const { files, bytes } = await restoreBackup({ file, folder, onProgress });
    bar.stop();
    if (json) await printJson({ file, data: folder ?? null, files, bytes });
    else await print(`${told(file, folder)}: ${counted(files, 'file')}, ${size(bytes)}\n`);
  } finally {
    bar.stop();
  }
}

function told(file: string, folder: string | undefined): string {
  return folder === undefined ? `${file} is whole` : `restored ${file} to ${folder}`;
}
