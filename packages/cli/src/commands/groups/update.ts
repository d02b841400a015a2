import { Command } from 'commander';
import { CommandError } from '../../command-error.ts';
import { type ClientFlags, takesBroker } from '../../connection/client-flags.ts';
import { withCursor } from '../../connection/open-connection.ts';
import { examples } from '../../examples.ts';
import {
  type GroupFlags,
  groupOptionsOf,
  takesGroupOptions,
  takesGroupSwitchesOff,
} from '../../groups/group-flags.ts';
import { print, printJson } from '../../terminal/print.ts';

interface UpdateGroupFlags extends ClientFlags, GroupFlags {}

export function updateGroupCommand(): Command {
  const command = new Command('update')
    .argument('<stream>')
    .argument('<group>')
    .summary('change options of a group')
    .description('Change options of a group; those that are not named stay as they are.')
    .option('--json', 'print JSON');
  return takesBroker(takesGroupSwitchesOff(takesGroupOptions(command)))
    .addHelpText(
      'after',
      examples(
        'simplemq groups update orders billing --max-deliveries 10',
        'simplemq groups update orders mailer --rate none --no-exclusive',
      ),
    )
    .action(updateGroup);
}

async function updateGroup(stream: string, group: string, flags: UpdateGroupFlags): Promise<void> {
  const options = groupOptionsOf(flags);
  if (Object.keys(options).length === 0) {
    throw new CommandError("say what to change, as --max-deliveries 5 (see 'simplemq groups update --help')");
  }
  await withCursor(flags, (cursor) => cursor.updateGroup(stream, group, options));
  if (flags.json) await printJson({ stream, group, updated: true });
  else await print(`updated ${group} of ${stream}\n`);
}
