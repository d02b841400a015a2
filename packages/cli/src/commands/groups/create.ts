import type { From } from '@simplemq/client';
import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../../connection/client-flags.ts';
import { withCursor } from '../../connection/open-connection.ts';
import { examples } from '../../examples.ts';
import {
  type GroupFlags,
  groupOptionsOf,
  startFromOption,
  takesGroupOptions,
} from '../../groups/group-flags.ts';
import { print, printJson } from '../../terminal/print.ts';

interface CreateGroupFlags extends ClientFlags, GroupFlags {
  readonly startFrom?: From;
}

export function createGroupCommand(): Command {
  const command = new Command('create')
    .argument('<stream>')
    .argument('<group>')
    .summary('create a group')
    .description('Create a group. One that is there with the same options is left as it is, and where it is.')
    .addOption(startFromOption(' (default: first)'))
    .option('--json', 'print JSON');
  return takesBroker(takesGroupOptions(command))
    .addHelpText(
      'after',
      examples(
        'simplemq groups create orders billing',
        'simplemq groups create orders audit --start-from new --ordering key',
        'simplemq groups create orders mailer --max-deliveries 5 --retry-delay 1s --rate 10',
      ),
    )
    .action(createGroup);
}

async function createGroup(stream: string, group: string, flags: CreateGroupFlags): Promise<void> {
  const { startFrom } = flags;
  const options = { ...groupOptionsOf(flags), ...(startFrom !== undefined && { startFrom }) };
  const created = await withCursor(flags, (cursor) => cursor.createGroup(stream, group, options));
  if (flags.json) await printJson({ stream, group, created });
  else await print(created ? `created ${group} of ${stream}\n` : `${group} of ${stream} was there already\n`);
}
