import { Command } from 'commander';
import { examples } from '../../examples.ts';
import { createGroupCommand } from './create.ts';
import { deleteGroupCommand } from './delete.ts';
import { groupInfoCommand } from './info.ts';
import { listGroupsCommand } from './list.ts';
import { resetGroupCommand } from './reset.ts';
import { updateGroupCommand } from './update.ts';

export function groupsCommand(): Command {
  return new Command('groups')
    .usage('<stream> | <command> [options]')
    .summary('list the groups of a stream, or create, change, reset or delete one')
    .description(
      'List the groups of a stream, or create, change, reset or delete one. Without a command: list.',
    )
    .addCommand(listGroupsCommand(), { isDefault: true })
    .addCommand(groupInfoCommand())
    .addCommand(createGroupCommand())
    .addCommand(updateGroupCommand())
    .addCommand(resetGroupCommand())
    .addCommand(deleteGroupCommand())
    .addHelpText(
      'after',
      examples('simplemq groups orders', 'simplemq groups create orders billing --max-deliveries 5'),
    );
}
