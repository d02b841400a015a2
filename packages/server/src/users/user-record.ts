import * as v from 'valibot';
import { type Grant, Grants } from './grants.ts';
import { RIGHTS } from './rights.ts';

/** Users in one file. */
const USERS_MAX = 10_000;
const GRANTS_MAX = 1_000;
const TOKENS_MAX = 1_000;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
export const NAME_RULE =
  'begins with a letter or digit and has at most 64 letters, digits, dots, dashes, underscores and @';

const name = v.pipe(v.string(), v.regex(NAME, `a name ${NAME_RULE}`));
const time = v.pipe(v.string(), v.isoTimestamp());
const hex32 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/** A password as it is kept: what scrypt made of it, and all that is needed to do so again. */
export interface PasswordRecord {
  /** Cost, block size and parallelism; see node:crypto. */
  readonly N: number;
  readonly r: number;
  readonly p: number;
  /** This and the hash as hex. */
  readonly salt: string;
  readonly hash: string;
}

/** A token as it is kept: it has 256 random bits, so that a plain hash is enough. */
export interface TokenRecord {
  readonly name: string;
  readonly sha256: string;
  readonly createdAt: string;
  /** Absent: it has no end. */
  readonly endsAt?: string;
}

/** A user as it is kept. */
export interface UserRecord {
  readonly name: string;
  /** Absent: only tokens. */
  readonly password?: PasswordRecord;
  readonly grants: readonly Grant[];
  readonly tokens: readonly TokenRecord[];
}

/** What one login may take of memory and time is bounded, whoever wrote the file. */
const passwordRecord: v.GenericSchema<unknown, PasswordRecord> = v.strictObject({
  N: v.picklist([2 ** 14, 2 ** 15, 2 ** 16, 2 ** 17]),
  r: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(16)),
  p: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(16)),
  salt: v.pipe(v.string(), v.regex(/^[0-9a-f]{32,128}$/)),
  hash: hex32,
});

const tokenRecord: v.GenericSchema<unknown, TokenRecord> = v.strictObject({
  name,
  sha256: hex32,
  createdAt: time,
  endsAt: v.exactOptional(time),
});

const grant: v.GenericSchema<unknown, Grant> = v.strictObject({
  pattern: v.pipe(v.string(), v.check(isPattern, 'a pattern is not valid')),
  rights: v.pipe(v.array(v.picklist(RIGHTS)), v.minLength(1)),
});

const userRecord: v.GenericSchema<unknown, UserRecord> = v.strictObject({
  name,
  password: v.exactOptional(passwordRecord),
  grants: v.pipe(v.array(grant), v.maxLength(GRANTS_MAX)),
  tokens: v.pipe(v.array(tokenRecord), v.maxLength(TOKENS_MAX)),
});

const usersDocument = v.strictObject({
  format: v.literal(1),
  users: v.pipe(
    v.array(userRecord),
    v.maxLength(USERS_MAX),
    v.check(
      (users) => new Set(users.map((user) => user.name)).size === users.length,
      'a user is there twice',
    ),
  ),
});

/** @throws Error with one line that says what is wrong, and never quotes what is there */
export function parseUsers(text: string): readonly UserRecord[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
  const parsed = v.safeParse(usersDocument, document);
  if (parsed.success) return parsed.output.users;
  const issue = parsed.issues[0];
  const where = v.getDotPath(issue) ?? 'the document';
  throw new Error(`${where}: ${issue.expected === null ? issue.message : `it must be ${issue.expected}`}`);
}

export function usersText(users: readonly UserRecord[]): string {
  return `${JSON.stringify({ format: 1, users }, undefined, 2)}\n`;
}

export function isUserName(text: string): boolean {
  return NAME.test(text);
}

function isPattern(pattern: string): boolean {
  try {
    new Grants([{ pattern, rights: [] }]);
    return true;
  } catch {
    return false;
  }
}
