import type { StreamOptions } from '@simplemq/client';
import { Command, Option } from 'commander';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { withCursor } from '../connection/open-connection.ts';
import { examples } from '../examples.ts';
import { print, printJson } from '../terminal/print.ts';

interface CreateFlags extends ClientFlags {
  readonly storage?: string;
}

export function createCommand(): Command {
  return takesBroker(
    new Command('create')
      .argument('<stream>')
      .summary('create a stream')
      .description('Create a stream. One that is there with the same options is left as it is.')
      .addOption(
        new Option('--storage <kind>', 'file survives a restart, memory does not (default: file)').choices([
          'file',
          'memory',
        ]),
      )
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq create orders', 'simplemq create ticks --storage memory'))
      .action(create),
  );
}

async function create(stream: string, flags: CreateFlags): Promise<void> {
  const options: StreamOptions = flags.storage === undefined ? {} : { storage: flags.storage };
  const created = await withCursor(flags, (cursor) => cursor.createStream(stream, options));
  if (flags.json) await printJson({ stream, created });
  else await print(created ? `created ${stream}\n` : `${stream} was there already\n`);
}
