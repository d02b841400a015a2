import type { UserSummary } from '@simplemq/server';
import { Command } from 'commander';
import { examples } from '../../examples.ts';
import { print, printJson } from '../../terminal/print.ts';
import { table } from '../../terminal/table.ts';
import { relative } from '../../terminal/times.ts';
import { visible } from '../../terminal/visible.ts';
import { takesUsers, type UsersFlags, usersOf } from '../../users/user-flags.ts';

const COLUMNS = [
  { head: 'USER' },
  { head: 'PASSWORD' },
  { head: 'RIGHTS' },
  { head: 'ON STREAMS' },
  { head: 'TOKENS' },
] as const;

const NO_USERS =
  "no users: a broker that is started on this folder lets whoever reaches its port do everything; 'simplemq user add' " +
  'adds one. A broker that had users when they went lets nobody in, until it is started again\n';

export function listUsersCommand(): Command {
  return takesUsers(
    new Command('list')
      .summary('list the users')
      .description(
        'List the users: what each may do on streams whose whole name matches a pattern, and the tokens.',
      ),
  )
    .addHelpText('after', examples('simplemq user', 'simplemq user list --json'))
    .action(listUsers);
}

async function listUsers(flags: UsersFlags): Promise<void> {
  const users = await (await usersOf(flags)).list();
  if (flags.json) await printJson(users);
  else if (users.length > 0) await print(table(COLUMNS, users.flatMap(rows)));
  else await print(NO_USERS);
}

/** A row for each grant and token, whichever are more. */
function rows({ name, hasPassword, grants, tokens }: UserSummary): string[][] {
  const count = Math.max(1, grants.length, tokens.length);
  return Array.from({ length: count }, (_, index) => {
    const { rights = [], pattern = '' } = grants[index] ?? {};
    const token = tokens[index];
    const end = token?.endsAt === undefined ? 'no end' : `ends ${relative(token.endsAt)}`;
    return [
      index === 0 ? name : '',
      index === 0 ? (hasPassword ? 'yes' : 'no') : '',
      rights.join(', '),
      visible(pattern),
      token === undefined ? '' : `${token.name} (${end})`,
    ];
  });
}
