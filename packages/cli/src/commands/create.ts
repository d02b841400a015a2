import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { withCursor } from '../connection/open-connection.ts';
import { examples } from '../examples.ts';
import { type StreamFlags, streamOptionsOf, takesStreamOptions } from '../streams/stream-flags.ts';
import { print, printJson } from '../terminal/print.ts';

interface CreateFlags extends ClientFlags, StreamFlags {}

export function createCommand(): Command {
  const command = new Command('create')
    .argument('<stream>')
    .summary('create a stream')
    .description('Create a stream. One that is there with the same options is left as it is.')
    .option('--json', 'print JSON');
  return takesBroker(takesStreamOptions(command))
    .addHelpText(
      'after',
      examples(
        'simplemq create orders',
        'simplemq create ticks --storage memory --max-messages 100000 --overflow drop-oldest',
        'simplemq create events --retention log --max-age 7d --max-bytes 10GiB',
      ),
    )
    .action(create);
}

async function create(stream: string, flags: CreateFlags): Promise<void> {
  const options = streamOptionsOf(flags);
  const created = await withCursor(flags, (cursor) => cursor.createStream(stream, options));
  if (flags.json) await printJson({ stream, created });
  else await print(created ? `created ${stream}\n` : `${stream} was there already\n`);
}
