import { Command } from 'commander';
import { examples } from '../../examples.ts';
import { deleteDeadCommand } from './delete.ts';
import { listDeadCommand } from './list.ts';
import { showDeadCommand } from './show.ts';

export function deadCommand(): Command {
  return new Command('dead')
    .usage('<stream> | <command> [options]')
    .summary('list the dead letters of a stream, or show or delete some')
    .description(
      "List the dead letters of a stream, or show or delete some. Without a command: list. 'redrive' puts them back.",
    )
    .addCommand(listDeadCommand(), { isDefault: true })
    .addCommand(showDeadCommand())
    .addCommand(deleteDeadCommand())
    .addHelpText('after', examples('simplemq dead orders --since 2h', 'simplemq dead show orders 12'));
}
