import { Command } from 'commander';
import { examples } from '../../examples.ts';
import { print, printJson } from '../../terminal/print.ts';
import {
  type GrantFlags,
  grantPattern,
  grantRights,
  RIGHTS_HELP,
  takesUsers,
  usersOf,
} from '../../users/user-flags.ts';

export function grantCommand(): Command {
  return takesUsers(
    new Command('grant')
      .argument('<name>', 'of the user')
      .argument('<rights>', RIGHTS_HELP)
      .argument('[stream]')
      .summary('give a user rights on a stream')
      .description(
        "Give a user rights on a stream, or with --regex on all whose whole name matches. Dead letters are their stream's. " +
          "The user's connections are opened anew.",
      )
      .option('--regex <pattern>', 'on every stream whose whole name matches (RE2 syntax)'),
  )
    .addHelpText(
      'after',
      examples(
        'simplemq user grant ann worker orders',
        "simplemq user grant billing follow --regex 'orders\\..+'",
        "simplemq user grant root admin --regex '.*'",
      ),
    )
    .action(grant);
}

export function revokeCommand(): Command {
  return takesUsers(
    new Command('revoke')
      .argument('<name>', 'of the user')
      .argument('<rights>', RIGHTS_HELP)
      .argument('[stream]')
      .summary('take rights of a user away')
      .description(
        'Take rights away, which were given by the same name or pattern. Open connections lose them too.',
      )
      .option('--regex <pattern>', 'the pattern that they were given by'),
  )
    .addHelpText(
      'after',
      examples(
        'simplemq user revoke ann publish orders',
        "simplemq user revoke billing follow --regex 'orders\\..+'",
      ),
    )
    .action(revoke);
}

async function grant(
  name: string,
  words: string,
  stream: string | undefined,
  flags: GrantFlags,
): Promise<void> {
  const { rights, pattern, users } = await asked(words, stream, flags);
  await users.grant(name, rights, pattern);
  if (flags.json) await printJson({ name, rights, pattern, granted: true });
  else await print(`${name} may ${rights.join(', ')} on streams named ${pattern}\n`);
}

async function revoke(
  name: string,
  words: string,
  stream: string | undefined,
  flags: GrantFlags,
): Promise<void> {
  const { rights, pattern, users } = await asked(words, stream, flags);
  await users.revoke(name, rights, pattern);
  if (flags.json) await printJson({ name, rights, pattern, revoked: true });
  else await print(`took ${rights.join(', ')} on streams named ${pattern} from ${name}\n`);
}

async function asked(words: string, stream: string | undefined, flags: GrantFlags) {
  const rights = await grantRights(words);
  const pattern = await grantPattern(stream, flags);
  return { rights, pattern, users: await usersOf(flags) };
}
