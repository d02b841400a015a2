import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../../connection/client-flags.ts';
import { withCursor } from '../../connection/open-connection.ts';
import { examples } from '../../examples.ts';
import { type ConfirmFlags, confirm } from '../../terminal/confirm.ts';
import { print, printJson } from '../../terminal/print.ts';

interface DeleteScheduleFlags extends ClientFlags, ConfirmFlags {}

export function deleteScheduleCommand(): Command {
  return takesBroker(
    new Command('delete')
      .argument('<name>')
      .summary('delete a schedule')
      .description('Delete a schedule; what it has published stays. Asks first, on a terminal.')
      .option('-y, --yes', 'do not ask')
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq schedule delete nightly --yes'))
      .action(deleteSchedule),
  );
}

async function deleteSchedule(name: string, flags: DeleteScheduleFlags): Promise<void> {
  await withCursor(flags, async (cursor) => {
    await confirm(flags, () => `Delete the schedule ${name}?`);
    await cursor.deleteSchedule(name);
  });
  if (flags.json) await printJson({ name, deleted: true });
  else await print(`deleted ${name}\n`);
}
