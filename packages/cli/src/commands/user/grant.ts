import { Bind } from '@simplemq/client';
import { Command } from 'commander';
import { CommandError } from '../../command-error.ts';
import { examples } from '../../examples.ts';
import { print, printJson } from '../../terminal/print.ts';
import { visible } from '../../terminal/visible.ts';
import { patternHint } from '../../users/pattern-hint.ts';
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
  const hint = stream === undefined ? undefined : patternHint(stream);
  if (stream !== undefined) checkStreamName(stream, hint);
  await users.grant(name, rights, pattern);
  // It may be what was meant: a stream can have such a name.
  if (hint !== undefined) process.stderr.write(`simplemq: ${visible(hint)}\n`);
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
  await users.revoke(name, rights, pattern).catch((cause: Error) => {
    throw new CommandError(withHint(cause.message, stream === undefined ? undefined : patternHint(stream)), {
      cause,
    });
  });
  if (flags.json) await printJson({ name, rights, pattern, revoked: true });
  else await print(`took ${rights.join(', ')} on streams named ${pattern} from ${name}\n`);
}

/** @throws CommandError when no stream can have the name */
function checkStreamName(stream: string, hint: string | undefined): void {
  try {
    new Bind(stream);
  } catch (cause) {
    throw new CommandError(withHint((cause as Error).message, hint), { cause });
  }
}

function withHint(message: string, hint: string | undefined): string {
  return hint === undefined ? message : `${message}; ${hint}`;
}

async function asked(words: string, stream: string | undefined, flags: GrantFlags) {
  const rights = await grantRights(words);
  const pattern = await grantPattern(stream, flags);
  return { rights, pattern, users: await usersOf(flags) };
}
