import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../../connection/client-flags.ts';
import { withCursor } from '../../connection/open-connection.ts';
import { examples } from '../../examples.ts';
import { groupProperties } from '../../groups/group-text.ts';
import { print, printJson } from '../../terminal/print.ts';

export function groupInfoCommand(): Command {
  return takesBroker(
    new Command('info')
      .argument('<stream>')
      .argument('<group>')
      .summary('show a group and its options')
      .description('Show one group: where it is, what it holds, and its options.')
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq groups info orders workers'))
      .action(groupInfo),
  );
}

async function groupInfo(stream: string, group: string, flags: ClientFlags): Promise<void> {
  const info = await withCursor(flags, (cursor) => cursor.groupInfo(stream, group));
  if (flags.json) await printJson(info);
  else await print(groupProperties(info));
}
