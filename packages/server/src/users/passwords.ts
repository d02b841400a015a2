import { randomBytes, type ScryptOptions, scrypt, scryptSync, timingSafeEqual } from 'node:crypto';
import type { PasswordRecord } from './user-record.ts';

/** 16 MiB and some tens of milliseconds of one core: https://cheatsheetseries.owasp.org, Password Storage. */
const PARAMETERS = { N: 2 ** 14, r: 8, p: 5 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Of what a record may ask for; see user-record.ts. */
const MEMORY_BYTES_MAX = 512 * 1024 * 1024;

export const PASSWORD_LENGTH_MIN = 8;
export const PASSWORD_LENGTH_MAX = 1_024;

/** What is kept of a password. */
export async function hashPassword(password: string): Promise<PasswordRecord> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, PARAMETERS);
  return { ...PARAMETERS, salt: salt.toString('hex'), hash: hash.toString('hex') };
}

/** Makes a hash of a password, in a thread that is not this one. */
export type Derive = (password: string, salt: Uint8Array, cost: PasswordCost) => Promise<Uint8Array>;

export type PasswordCost = Pick<PasswordRecord, 'N' | 'r' | 'p'>;

/** Whether it is the password of that record. Without one it takes as long, and is not. */
export async function isPassword(
  password: string,
  record: PasswordRecord | undefined,
  deriveHash: Derive = derive,
): Promise<boolean> {
  const { salt, hash, ...cost } = record ?? NOBODY;
  const derived = await deriveHash(password, Buffer.from(salt, 'hex'), cost);
  return timingSafeEqual(derived, Buffer.from(hash, 'hex')) && record !== undefined;
}

/** What a name that is no user's is compared with. */
const NOBODY: PasswordRecord = {
  ...PARAMETERS,
  salt: randomBytes(SALT_BYTES).toString('hex'),
  hash: randomBytes(HASH_BYTES).toString('hex'),
};

/** In a thread of libuv's pool: the event loop goes on. */
function derive(password: string, salt: Uint8Array, cost: PasswordCost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(normalized(password), salt, HASH_BYTES, optionsOf(cost), (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}

/** In this thread. */
export function deriveHere(password: string, salt: Uint8Array, cost: PasswordCost): Buffer {
  return scryptSync(normalized(password), salt, HASH_BYTES, optionsOf(cost));
}

/** The same characters may be typed in two ways. */
function normalized(password: string): string {
  return password.normalize('NFC');
}

function optionsOf({ N, r, p }: PasswordCost): ScryptOptions {
  return { N, r, p, maxmem: MEMORY_BYTES_MAX };
}
