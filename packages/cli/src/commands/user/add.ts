import { Command } from 'commander';
import { examples } from '../../examples.ts';
import { print, printJson } from '../../terminal/print.ts';
import { newPasswordOf } from '../../users/new-password.ts';
import { takesUsers, type UsersFlags, usersOf } from '../../users/user-flags.ts';

interface AddUserFlags extends UsersFlags {
  /** False for --no-password. */
  readonly password: boolean;
}

export function addUserCommand(): Command {
  return takesUsers(
    new Command('add')
      .argument('<name>')
      .summary('add a user')
      .description(
        'Add a user, who has no rights yet. The password is asked for, or is the first line of standard input. With the ' +
          'first user the broker lets in nobody else any more.',
      )
      .option('--no-password', 'a user who comes with tokens only'),
  )
    .addHelpText(
      'after',
      examples('simplemq user add ann', 'simplemq user add billing --no-password --data /var/lib/simplemq'),
    )
    .action(addUser);
}

async function addUser(name: string, flags: AddUserFlags): Promise<void> {
  const users = await usersOf(flags);
  await users.add(name, flags.password ? await newPasswordOf(name) : undefined);
  if (flags.json) await printJson({ name, added: true });
  else await print(`added ${name}; 'simplemq user grant' says what ${name} may do\n`);
}
