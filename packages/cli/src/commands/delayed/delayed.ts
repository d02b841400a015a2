import { Command } from 'commander';
import { examples } from '../../examples.ts';
import { cancelDelayedCommand } from './cancel.ts';
import { listDelayedCommand } from './list.ts';

export function delayedCommand(): Command {
  return new Command('delayed')
    .usage('<stream> | <command> [options]')
    .summary('list the messages that enter a stream later, or cancel some')
    .description('List the messages that enter a stream later, or cancel some. Without a command: list.')
    .addCommand(listDelayedCommand(), { isDefault: true })
    .addCommand(cancelDelayedCommand())
    .addHelpText('after', examples('simplemq delayed orders', 'simplemq delayed cancel orders 41'));
}
