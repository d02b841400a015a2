import { Command } from 'commander';
import { wholeNumber } from '../../arguments/whole-number.ts';
import { type ClientFlags, takesBroker } from '../../connection/client-flags.ts';
import { withCursor } from '../../connection/open-connection.ts';
import { type LetterFlags, letterFilterOf, takesLetterFilter } from '../../dead/letter-flags.ts';
import { letterObject } from '../../dead/letter-object.ts';
import { letterTable, noLettersText } from '../../dead/letter-text.ts';
import { examples } from '../../examples.ts';
import { moreThan } from '../../terminal/more-than.ts';
import { print, printJson } from '../../terminal/print.ts';

interface ListDeadFlags extends ClientFlags, LetterFlags {
  readonly limit: number;
}

const LIMIT = 100;

export function listDeadCommand(): Command {
  const command = new Command('list')
    .argument('<stream>')
    .summary('list the dead letters of a stream')
    .description('List the messages of a stream that died, and why.')
    .option('--limit <n>', 'at most so many', wholeNumber(1), LIMIT)
    .option('--json', 'print JSON: all of each, its body included');
  return takesBroker(takesLetterFilter(command))
    .addHelpText(
      'after',
      examples(
        'simplemq dead orders',
        "simplemq dead list orders --group billing --since 2h --error 'timed out'",
        'simplemq dead orders --header region=eu --json',
      ),
    )
    .action(listDead);
}

async function listDead(stream: string, flags: ListDeadFlags): Promise<void> {
  const { limit } = flags;
  const filter = letterFilterOf(flags);
  // One more than is shown tells whether there are more.
  const options = { ...filter, limit: limit + 1 };
  const found = await withCursor(flags, (cursor) => cursor.deadLetters(stream, options));
  const shown = found.slice(0, limit);
  if (flags.json) await printJson(shown.map(letterObject));
  else if (shown.length > 0) await print(`${letterTable(shown)}${moreThan(found.length, limit)}`);
  else await print(noLettersText(stream, filter));
}
