import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../../connection/client-flags.ts';
import { withCursor } from '../../connection/open-connection.ts';
import { lettersToMove, type MoveFlags, takesLettersToMove } from '../../dead/letter-flags.ts';
import { noLettersText } from '../../dead/letter-text.ts';
import { moveLetters } from '../../dead/move-letters.ts';
import { examples } from '../../examples.ts';
import { counted } from '../../terminal/amounts.ts';
import { type ConfirmFlags, confirm } from '../../terminal/confirm.ts';
import { print, printJson } from '../../terminal/print.ts';

interface DeleteDeadFlags extends ClientFlags, ConfirmFlags, MoveFlags {}

export function deleteDeadCommand(): Command {
  const command = new Command('delete')
    .argument('<stream>', 'in which they died')
    .summary('delete dead letters')
    .description('Delete dead letters for good. Asks first, on a terminal.')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'print JSON');
  return takesBroker(takesLettersToMove(command))
    .addHelpText(
      'after',
      examples(
        'simplemq dead delete orders 12 14-20',
        'simplemq dead delete orders --until 30d --yes',
        'simplemq dead delete orders --all',
      ),
    )
    .action(deleteDead);
}

async function deleteDead(
  stream: string,
  sequences: readonly number[] | undefined,
  flags: DeleteDeadFlags,
): Promise<void> {
  const filter = lettersToMove(sequences, flags);
  const words = { done: 'deleted', isAll: flags.all ?? false };
  const messages = await withCursor(flags, async (cursor) => {
    await confirm(flags, () => `Delete ${flags.all ? 'all' : 'these'} dead letters of ${stream} for good?`);
    return moveLetters(words, (onProgress) => cursor.deleteDeadLetters(stream, { ...filter, onProgress }));
  });
  if (flags.json) await printJson({ stream, messages });
  else if (messages === 0) await print(noLettersText(stream, filter));
  else await print(`deleted ${counted(messages, 'dead letter')} of ${stream}\n`);
}
