import { Command } from 'commander';
import { sequenceNumber } from '../../arguments/whole-number.ts';
import { CommandError } from '../../command-error.ts';
import { type ClientFlags, takesBroker } from '../../connection/client-flags.ts';
import { withCursor } from '../../connection/open-connection.ts';
import { letterObject } from '../../dead/letter-object.ts';
import { letterText } from '../../dead/letter-text.ts';
import { examples } from '../../examples.ts';
import { print, printJson } from '../../terminal/print.ts';

export function showDeadCommand(): Command {
  return takesBroker(
    new Command('show')
      .argument('<stream>', 'in which it died')
      .argument('<sequence>', 'its sequence number among the dead letters', sequenceNumber)
      .summary('show a dead letter')
      .description('Show one dead letter: how it came to die, each attempt, and its payload.')
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq dead show orders 12', 'simplemq dead show orders 12 --json'))
      .action(showDead),
  );
}

async function showDead(stream: string, sequence: number, flags: ClientFlags): Promise<void> {
  const options = { sequences: [sequence], limit: 1 };
  const [letter] = await withCursor(flags, (cursor) => cursor.deadLetters(stream, options));
  if (letter === undefined) {
    throw new CommandError(
      `${stream} has no dead letter ${sequence} ('simplemq dead ${stream}' lists what there is)`,
    );
  }
  if (flags.json) await printJson(letterObject(letter));
  else await print(letterText(letter));
}
