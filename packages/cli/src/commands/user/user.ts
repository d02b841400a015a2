import { Command } from 'commander';
import { examples } from '../../examples.ts';
import { addUserCommand } from './add.ts';
import { grantCommand, revokeCommand } from './grant.ts';
import { listUsersCommand } from './list.ts';
import { passwordCommand } from './password.ts';
import { removeUserCommand } from './remove.ts';
import { tokenCommand } from './token.ts';

export function userCommand(): Command {
  return new Command('user')
    .usage('[command] [options]')
    .summary('list the users of a broker, or add, change or remove one')
    .description(
      "Who may use a broker, and what for. The users are in the broker's data folder; one that is running takes a change " +
        'within a second. Without a command: list.',
    )
    .addCommand(listUsersCommand(), { isDefault: true })
    .addCommand(addUserCommand())
    .addCommand(passwordCommand())
    .addCommand(grantCommand())
    .addCommand(revokeCommand())
    .addCommand(tokenCommand())
    .addCommand(removeUserCommand())
    .addHelpText(
      'after',
      examples('simplemq user add ann', 'simplemq user grant ann worker orders', 'simplemq user'),
    );
}
