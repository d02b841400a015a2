import { Command, InvalidArgumentError } from 'commander';
import { parseTime } from '../../arguments/time.ts';
import { parseTimeSpan } from '../../arguments/time-span.ts';
import { CommandError } from '../../command-error.ts';
import { examples } from '../../examples.ts';
import { print, printJson } from '../../terminal/print.ts';
import { instant } from '../../terminal/times.ts';
import { takesUsers, type UsersFlags, usersOf } from '../../users/user-flags.ts';

interface TokenFlags extends UsersFlags {
  readonly ends?: Date | 'never';
  readonly remove?: boolean;
}

const DEFAULT_END = '90d';

export function tokenCommand(): Command {
  return takesUsers(
    new Command('token')
      .argument('<name>', 'of the user')
      .argument('<token>', 'what the token is called')
      .summary('make a token for a user, or remove one')
      .description(
        'Make a token, which is given in place of the password, and print it: this once, as only a hash of it is kept. ' +
          'Or remove one, and close the connections that were opened with it.',
      )
      .option('--ends <when>', `a time, a time span from now as 30d, or never (default: ${DEFAULT_END})`, end)
      .option('--remove', 'remove the token of that name'),
  )
    .addHelpText(
      'after',
      examples(
        'simplemq user token billing ci --ends 30d > token.txt',
        'simplemq user token billing ci --remove',
      ),
    )
    .action(token);
}

async function token(name: string, tokenName: string, flags: TokenFlags): Promise<void> {
  const users = await usersOf(flags);
  if (flags.remove) {
    await users.removeToken(name, tokenName);
    if (flags.json) await printJson({ name, token: tokenName, removed: true });
    else await print(`removed the token ${tokenName} of ${name}\n`);
    return;
  }
  const { ends = end(DEFAULT_END) } = flags;
  const endsAt = ends === 'never' ? undefined : ends;
  if (endsAt !== undefined && endsAt.getTime() <= Date.now()) throw new CommandError('--ends is in the past');
  const made = await users.addToken(name, tokenName, endsAt);
  if (flags.json) await printJson({ name, token: tokenName, secret: made, endsAt: endsAt ?? null });
  else {
    // The token alone on standard output, so that it can go where it is needed.
    await print(`${made}\n`);
    const until = endsAt === undefined ? 'it has no end' : `it ends ${instant(endsAt)}`;
    process.stderr.write(`${until}; it cannot be shown again\n`);
  }
}

function end(text: string): Date | 'never' {
  if (text === 'never') return text;
  const span = parseTimeSpan(text);
  const found = span === undefined ? parseTime(text) : new Date(Date.now() + span);
  if (found !== undefined && !Number.isNaN(found.getTime())) return found;
  throw new InvalidArgumentError('It must be a time, as 2026-05-01, a time span from now, as 30d, or never.');
}
