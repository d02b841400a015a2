import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { withCursor } from '../connection/open-connection.ts';
import { examples } from '../examples.ts';
import { counted } from '../terminal/amounts.ts';
import { canAsk, confirm } from '../terminal/confirm.ts';
import { print, printJson } from '../terminal/print.ts';

interface PurgeFlags extends ClientFlags {
  readonly yes?: boolean;
}

export function purgeCommand(): Command {
  return takesBroker(
    new Command('purge')
      .argument('<stream>')
      .summary('remove all messages of a stream')
      .description('Remove every message of a stream, delivered or not. Asks first, on a terminal.')
      .option('-y, --yes', 'do not ask')
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq purge orders', 'simplemq purge orders --yes'))
      .action(purge),
  );
}

async function purge(stream: string, flags: PurgeFlags): Promise<void> {
  const messages = await withCursor(flags, async (cursor) => {
    if (!flags.yes && canAsk()) {
      const info = await cursor.streamInfo(stream);
      await confirm(`Remove ${counted(info.messages, 'message')} from the stream ${stream}?`);
    }
    return await cursor.purgeStream(stream);
  });
  if (flags.json) await printJson({ stream, messages });
  else await print(`removed ${counted(messages, 'message')} from ${stream}\n`);
}
