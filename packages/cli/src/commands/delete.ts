import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { withCursor } from '../connection/open-connection.ts';
import { examples } from '../examples.ts';
import { counted } from '../terminal/amounts.ts';
import { type ConfirmFlags, confirm } from '../terminal/confirm.ts';
import { print, printJson } from '../terminal/print.ts';

interface DeleteFlags extends ClientFlags, ConfirmFlags {}

export function deleteCommand(): Command {
  return takesBroker(
    new Command('delete')
      .argument('<stream>')
      .summary('delete a stream')
      .description('Delete a stream with its messages, groups and dead letters. Asks first, on a terminal.')
      .option('-y, --yes', 'do not ask')
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq delete orders', 'simplemq delete orders --yes'))
      .action(deleteStream),
  );
}

async function deleteStream(stream: string, flags: DeleteFlags): Promise<void> {
  const messages = await withCursor(flags, async (cursor) => {
    const info = await cursor.streamInfo(stream);
    await confirm(flags, () => `Delete the stream ${stream} with ${counted(info.messages, 'message')}?`);
    await cursor.deleteStream(stream);
    return info.messages;
  });
  if (flags.json) await printJson({ stream, deleted: true, messages });
  else await print(`deleted ${stream} with ${counted(messages, 'message')}\n`);
}
