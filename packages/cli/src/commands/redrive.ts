import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { withCursor } from '../connection/open-connection.ts';
import { lettersToMove, type MoveFlags, takesLettersToMove } from '../dead/letter-flags.ts';
import { noLettersText } from '../dead/letter-text.ts';
import { moveLetters } from '../dead/move-letters.ts';
import { examples } from '../examples.ts';
import { counted } from '../terminal/amounts.ts';
import { print, printJson } from '../terminal/print.ts';

interface RedriveFlags extends ClientFlags, MoveFlags {}

export function redriveCommand(): Command {
  const command = new Command('redrive')
    .argument('<stream>', 'in which they died')
    .summary('put dead letters back into their stream')
    .description(
      'Put dead letters back into their stream as new messages, each for the group in which it died, in attempt 1.',
    )
    .option('--json', 'print JSON');
  return takesBroker(takesLettersToMove(command))
    .addHelpText(
      'after',
      examples(
        'simplemq redrive orders --all',
        'simplemq redrive orders 12 14-20',
        "simplemq redrive orders --group billing --error 'timed out'",
      ),
    )
    .action(redrive);
}

async function redrive(
  stream: string,
  sequences: readonly number[] | undefined,
  flags: RedriveFlags,
): Promise<void> {
  const filter = lettersToMove(sequences, flags);
  const words = { done: 'redriven', isAll: flags.all ?? false };
  const messages = await withCursor(flags, (cursor) =>
    moveLetters(words, (onProgress) => cursor.redrive(stream, { ...filter, onProgress })),
  );
  if (flags.json) await printJson({ stream, messages });
  else if (messages === 0) await print(noLettersText(stream, filter));
  else await print(`put ${counted(messages, 'dead letter')} back into ${stream}\n`);
}
