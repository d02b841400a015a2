import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../../connection/client-flags.ts';
import { withCursor } from '../../connection/open-connection.ts';
import { examples } from '../../examples.ts';
import { counted } from '../../terminal/amounts.ts';
import { type ConfirmFlags, confirm } from '../../terminal/confirm.ts';
import { print, printJson } from '../../terminal/print.ts';

interface DeleteGroupFlags extends ClientFlags, ConfirmFlags {}

export function deleteGroupCommand(): Command {
  return takesBroker(
    new Command('delete')
      .argument('<stream>')
      .argument('<group>')
      .summary('delete a group')
      .description('Delete a group with its place and its pending entries. Asks first, on a terminal.')
      .option('-y, --yes', 'do not ask')
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq groups delete orders billing --yes'))
      .action(deleteGroup),
  );
}

async function deleteGroup(stream: string, group: string, flags: DeleteGroupFlags): Promise<void> {
  await withCursor(flags, async (cursor) => {
    await confirm(flags, async () => {
      const { lag, pending } = await cursor.groupInfo(stream, group);
      return `Delete the group ${group} of ${stream}, with ${counted(lag + pending, 'message')} not acked?`;
    });
    await cursor.deleteGroup(stream, group);
  });
  if (flags.json) await printJson({ stream, group, deleted: true });
  else await print(`deleted ${group} of ${stream}\n`);
}
