import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../../connection/client-flags.ts';
import { withCursor } from '../../connection/open-connection.ts';
import { examples } from '../../examples.ts';
import { groupTable } from '../../groups/group-text.ts';
import { print, printJson } from '../../terminal/print.ts';

export function listGroupsCommand(): Command {
  return takesBroker(
    new Command('list')
      .argument('<stream>')
      .summary('list the groups of a stream')
      .description('List the groups of a stream: how far behind each is, and what it holds.')
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq groups orders', 'simplemq groups list orders --json'))
      .action(listGroups),
  );
}

async function listGroups(stream: string, flags: ClientFlags): Promise<void> {
  const groups = await withCursor(flags, (cursor) => cursor.listGroups(stream));
  if (flags.json) await printJson(groups);
  else if (groups.length > 0) await print(groupTable(groups));
  else await print(`${stream} has no groups yet: the first follower makes one\n`);
}
