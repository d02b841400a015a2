import type { From } from '@simplemq/client';
import { Command } from 'commander';
import { placeText } from '../../arguments/place.ts';
import { type ClientFlags, takesBroker } from '../../connection/client-flags.ts';
import { withCursor } from '../../connection/open-connection.ts';
import { examples } from '../../examples.ts';
import { startFromOption } from '../../groups/group-flags.ts';
import { counted } from '../../terminal/amounts.ts';
import { type ConfirmFlags, confirm } from '../../terminal/confirm.ts';
import { print, printJson } from '../../terminal/print.ts';

interface ResetGroupFlags extends ClientFlags, ConfirmFlags {
  readonly startFrom: From;
}

export function resetGroupCommand(): Command {
  return takesBroker(
    new Command('reset')
      .argument('<stream>')
      .argument('<group>')
      .summary('move a group to another place of its stream')
      .description(
        'Move a group: all from there on is delivered (again), all before it counts as acked. Asks first, on a terminal.',
      )
      .addOption(startFromOption().makeOptionMandatory())
      .option('-y, --yes', 'do not ask')
      .option('--json', 'print JSON')
      .addHelpText(
        'after',
        examples(
          'simplemq groups reset events audit --start-from first',
          'simplemq groups reset events audit --start-from 2026-05-01T08:30:00Z --yes',
        ),
      )
      .action(resetGroup),
  );
}

async function resetGroup(stream: string, group: string, flags: ResetGroupFlags): Promise<void> {
  const place = placeText(flags.startFrom);
  await withCursor(flags, async (cursor) => {
    await confirm(flags, async () => {
      const { pending } = await cursor.groupInfo(stream, group);
      return `Move ${group} of ${stream}, with ${counted(pending, 'message')} pending, to ${place}?`;
    });
    await cursor.resetGroup(stream, group, flags.startFrom);
  });
  if (flags.json) await printJson({ stream, group, reset: true });
  else await print(`moved ${group} of ${stream} to ${place}\n`);
}
