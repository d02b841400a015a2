import { Command } from 'commander';
import { examples } from '../../examples.ts';
import { print, printJson } from '../../terminal/print.ts';
import { newPasswordOf } from '../../users/new-password.ts';
import { takesUsers, type UsersFlags, usersOf } from '../../users/user-flags.ts';

export function passwordCommand(): Command {
  return takesUsers(
    new Command('password')
      .argument('<name>')
      .summary('change the password of a user')
      .description(
        'Change the password of a user. It is asked for, or is the first line of standard input. Connections that were ' +
          'opened with the old one are closed.',
      ),
  )
    .addHelpText('after', examples('simplemq user password ann'))
    .action(setPassword);
}

async function setPassword(name: string, flags: UsersFlags): Promise<void> {
  const users = await usersOf(flags);
  await users.setPassword(name, await newPasswordOf(name));
  if (flags.json) await printJson({ name, changed: true });
  else await print(`changed the password of ${name}\n`);
}
