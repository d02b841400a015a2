import type { Right, UserEditor } from '@simplemq/server';
import type { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import { settingsSources } from '../server-flags.ts';

/** What says whose users are meant. */
export interface UsersFlags {
  readonly settings?: string;
  readonly data?: string;
  readonly json?: boolean;
}

/** What names the streams of a grant. */
export interface GrantFlags extends UsersFlags {
  readonly regex?: string;
}

/** Adds the options that say which data folder holds the users; a broker may be running on it. */
export function takesUsers(command: Command): Command {
  return command
    .option('--settings <file>', "the broker's settings file (default: ./settings.yaml, if there is one)")
    .option('--data <folder>', "the broker's data folder, where the users are")
    .option('--json', 'print JSON');
}

/** @throws CommandError when the broker keeps nothing on disk */
export async function usersOf(flags: UsersFlags): Promise<UserEditor> {
  // Loaded here, because commands that speak to a broker need no server.
  const { loadSettings, UserEditor } = await import('@simplemq/server');
  const { path } = loadSettings(settingsSources(undefined, flags)).storage;
  if (path === ':memory:')
    throw new CommandError('a broker that keeps its data in memory only has no users; name a --data folder');
  return new UserEditor(path);
}

/** The pattern of a grant: of the one stream that was named, or the one that was given. */
export async function grantPattern(stream: string | undefined, { regex }: GrantFlags): Promise<string> {
  if (stream !== undefined && regex !== undefined)
    throw new CommandError('name a stream or give --regex, not both');
  if (regex !== undefined) return regex;
  if (stream === undefined) throw new CommandError('name a stream, or give --regex <pattern>');
  const { patternOfName } = await import('@simplemq/server');
  return patternOfName(stream);
}

/** @throws CommandError which lists the words that there are */
export async function grantRights(words: string): Promise<readonly Right[]> {
  const { RIGHTS, ROLE_NAMES, rightsOf } = await import('@simplemq/server');
  const rights = rightsOf(words);
  if (rights !== undefined) return rights;
  throw new CommandError(
    `${JSON.stringify(words)} is no list of rights; there are ${RIGHTS.join(', ')}, and for several at once ` +
      `${ROLE_NAMES.join(', ')}`,
  );
}

/** What the rights of a grant can be, for helps. */
export const RIGHTS_HELP =
  'publish, follow, manage or admin, or some as publish,follow; worker is publish,follow and owner is all but admin';
