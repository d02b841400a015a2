import { Argument, Command } from 'commander';
import { idRange } from '../../arguments/id-ranges.ts';
import { CommandError } from '../../command-error.ts';
import { type ClientFlags, takesBroker } from '../../connection/client-flags.ts';
import { withCursor } from '../../connection/open-connection.ts';
import { examples } from '../../examples.ts';
import { count, counted } from '../../terminal/amounts.ts';
import { print, printJson } from '../../terminal/print.ts';

export function cancelDelayedCommand(): Command {
  return takesBroker(
    new Command('cancel')
      .argument('<stream>', 'which they are to enter')
      .addArgument(
        new Argument('<id...>', 'ids as the list shows them, or ranges as 41-45').argParser(idRange),
      )
      .summary('cancel delayed messages')
      .description(
        'Cancel delayed messages: they never enter the stream. Ends with 1 if not all of them were there.',
      )
      .option('--json', 'print JSON')
      .addHelpText(
        'after',
        examples('simplemq delayed cancel orders 41', 'simplemq delayed cancel orders 41-45 50'),
      )
      .action(cancelDelayed),
  );
}

async function cancelDelayed(stream: string, ids: readonly number[], flags: ClientFlags): Promise<void> {
  const distinct = [...new Set(ids)];
  const messages = await withCursor(flags, (cursor) => cursor.cancelDelayed(stream, distinct));
  if (flags.json) await printJson({ stream, messages });
  if (messages < distinct.length) {
    throw new CommandError(
      `${count(messages)} of ${counted(distinct.length, 'message')} cancelled: the others entered ${stream} before, or never were`,
    );
  }
  if (!flags.json) await print(`cancelled ${counted(messages, 'message')} of ${stream}\n`);
}
