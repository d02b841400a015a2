import { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { withCursor } from '../connection/open-connection.ts';
import { examples } from '../examples.ts';
import { type StreamLimitFlags, streamOptionsOf, takesStreamLimits } from '../streams/stream-flags.ts';
import { print, printJson } from '../terminal/print.ts';

interface UpdateFlags extends ClientFlags, StreamLimitFlags {}

export function updateCommand(): Command {
  const command = new Command('update')
    .argument('<stream>')
    .summary('change the limits of a stream')
    .description('Change the limits of a stream; those that are not named stay as they are.')
    .option('--json', 'print JSON');
  return takesBroker(takesStreamLimits(command))
    .addHelpText(
      'after',
      examples(
        'simplemq update orders --max-messages 1000000',
        'simplemq update events --max-age 30d --max-bytes none',
      ),
    )
    .action(update);
}

async function update(stream: string, flags: UpdateFlags): Promise<void> {
  const options = streamOptionsOf(flags);
  if (Object.keys(options).length === 0) {
    throw new CommandError("say what to change, as --max-age 7d (see 'simplemq update --help')");
  }
  await withCursor(flags, (cursor) => cursor.updateStream(stream, options));
  if (flags.json) await printJson({ stream, updated: true });
  else await print(`updated ${stream}\n`);
}
