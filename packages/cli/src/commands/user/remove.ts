import { Command } from 'commander';
import { examples } from '../../examples.ts';
import { type ConfirmFlags, confirm } from '../../terminal/confirm.ts';
import { print, printJson } from '../../terminal/print.ts';
import { takesUsers, type UsersFlags, usersOf } from '../../users/user-flags.ts';

interface RemoveUserFlags extends UsersFlags, ConfirmFlags {}

export function removeUserCommand(): Command {
  return takesUsers(
    new Command('remove')
      .argument('<name>')
      .summary('remove a user')
      .description('Remove a user, with all tokens, and close the connections. Asks first, on a terminal.')
      .option('-y, --yes', 'do not ask'),
  )
    .addHelpText('after', examples('simplemq user remove ann --yes'))
    .action(removeUser);
}

async function removeUser(name: string, flags: RemoveUserFlags): Promise<void> {
  const users = await usersOf(flags);
  await confirm(flags, async () => {
    const others = (await users.list()).filter((user) => user.name !== name);
    const last = ' It is the last one: a broker that is started without users lets everybody do everything.';
    return `Remove the user ${name}?${others.length === 0 ? last : ''}`;
  });
  await users.remove(name);
  if (flags.json) await printJson({ name, removed: true });
  else await print(`removed ${name}\n`);
}
