import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Grant, Grants } from './grants.ts';
import { hashPassword, PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN } from './passwords.ts';
import { RIGHTS, type Right } from './rights.ts';
import { isTokenLike, makeToken, TOKEN_PREFIX } from './tokens.ts';
import { editUserFile, readUserFile, userFileOf } from './user-file.ts';
import { isUserName, NAME_RULE, type UserRecord } from './user-record.ts';

/** A user for people to look at: no secret is in it, nor what is kept of one. */
export interface UserSummary {
  readonly name: string;
  readonly hasPassword: boolean;
  readonly grants: readonly Grant[];
  readonly tokens: readonly TokenSummary[];
}

export interface TokenSummary {
  readonly name: string;
  readonly createdAt: Date;
  /** Undefined when it has no end. */
  readonly endsAt: Date | undefined;
}

/**
 * The users of a data folder, whether a broker runs on it or not: one that does takes a change within a second. Every
 * method is done when its change is on disk, and throws an Error with one line when it cannot be made.
 */
export class UserEditor {
  readonly file: string;

  constructor(dataFolder: string) {
    this.file = userFileOf(dataFolder);
  }

  async list(): Promise<readonly UserSummary[]> {
    const users = (await readUserFile(this.file)) ?? [];
    return users.map(summary).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Without a password the user can only come with a token. */
  async add(name: string, password?: string): Promise<void> {
    if (!isUserName(name)) throw new Error(`${JSON.stringify(name)} cannot be a user: a name ${NAME_RULE}`);
    const record = password === undefined ? undefined : await hashPassword(checked(password));
    // Users may be there before the broker is: then none of it was ever open.
    await makeFolder(dirname(this.file));
    await editUserFile(this.file, (users) => {
      if (users.some((user) => user.name === name)) throw new Error(`there is a user ${name} already`);
      return [...users, { name, ...(record && { password: record }), grants: [], tokens: [] }];
    });
  }

  async setPassword(name: string, password: string): Promise<void> {
    const record = await hashPassword(checked(password));
    await this.#change(name, (user) => ({ ...user, password: record }));
  }

  async remove(name: string): Promise<void> {
    await editUserFile(this.file, (users) => {
      find(users, name);
      return users.filter((user) => user.name !== name);
    });
  }

  /** Adds rights on the streams whose whole name matches. */
  async grant(name: string, rights: readonly Right[], pattern: string): Promise<void> {
    new Grants([{ pattern, rights }]);
    await this.#change(name, (user) => {
      const before = user.grants.find((grant) => grant.pattern === pattern)?.rights ?? [];
      return withGrant(user, pattern, [...before, ...rights]);
    });
  }

  /** Takes rights away that were granted with this very pattern. */
  async revoke(name: string, rights: readonly Right[], pattern: string): Promise<void> {
    await this.#change(name, (user) => {
      const before = user.grants.find((grant) => grant.pattern === pattern)?.rights;
      if (before === undefined || !rights.some((right) => before.includes(right))) {
        throw new Error(`${name} was not granted ${rights.join(', ')} on ${JSON.stringify(pattern)}`);
      }
      return withGrant(
        user,
        pattern,
        before.filter((right) => !rights.includes(right)),
      );
    });
  }

  /** @returns the token, which is kept nowhere and cannot be shown again */
  async addToken(name: string, tokenName: string, endsAt: Date | undefined): Promise<string> {
    if (!isUserName(tokenName))
      throw new Error(`${JSON.stringify(tokenName)} cannot name a token: a name ${NAME_RULE}`);
    const { token, record } = makeToken(tokenName, endsAt);
    await this.#change(name, (user) => {
      if (user.tokens.some((other) => other.name === tokenName)) {
        throw new Error(`${name} has a token ${tokenName} already`);
      }
      return { ...user, tokens: [...user.tokens, record] };
    });
    return token;
  }

  async removeToken(name: string, tokenName: string): Promise<void> {
    await this.#change(name, (user) => {
      if (!user.tokens.some((token) => token.name === tokenName))
        throw new Error(`${name} has no token ${tokenName}`);
      return { ...user, tokens: user.tokens.filter((token) => token.name !== tokenName) };
    });
  }

  #change(name: string, change: (user: UserRecord) => UserRecord): Promise<void> {
    return editUserFile(this.file, (users) => {
      const changed = change(find(users, name));
      return users.map((user) => (user.name === name ? changed : user));
    });
  }
}

/** As the broker makes it: for its own user alone. */
async function makeFolder(folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

function find(users: readonly UserRecord[], name: string): UserRecord {
  const user = users.find((candidate) => candidate.name === name);
  if (user === undefined) throw new Error(`there is no user ${JSON.stringify(name)}`);
  return user;
}

function withGrant(user: UserRecord, pattern: string, rights: readonly Right[]): UserRecord {
  const others = user.grants.filter((grant) => grant.pattern !== pattern);
  const kept = RIGHTS.filter((right) => rights.includes(right));
  return { ...user, grants: kept.length === 0 ? others : [...others, { pattern, rights: kept }] };
}

function checked(password: string): string {
  if (password.length < PASSWORD_LENGTH_MIN || password.length > PASSWORD_LENGTH_MAX) {
    throw new Error(`a password has ${PASSWORD_LENGTH_MIN} to ${PASSWORD_LENGTH_MAX} characters`);
  }
  if (isTokenLike(password)) throw new Error(`a password does not begin with ${TOKEN_PREFIX}, as tokens do`);
  return password;
}

function summary({ name, password, grants, tokens }: UserRecord): UserSummary {
  return {
    name,
    hasPassword: password !== undefined,
    grants,
    tokens: tokens.map((token) => ({
      name: token.name,
      createdAt: new Date(token.createdAt),
      endsAt: token.endsAt === undefined ? undefined : new Date(token.endsAt),
    })),
  };
}
