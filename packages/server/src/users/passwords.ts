import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
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

/** Whether it is the password of that record. Without one it takes as long, and is not. */
export async function isPassword(password: string, record: PasswordRecord | undefined): Promise<boolean> {
  const { salt, hash, ...parameters } = record ?? NOBODY;
  const derived = await derive(password, Buffer.from(salt, 'hex'), parameters);
  return timingSafeEqual(derived, Buffer.from(hash, 'hex')) && record !== undefined;
}

/** What a name that is no user's is compared with. */
const NOBODY: PasswordRecord = {
  ...PARAMETERS,
  salt: randomBytes(SALT_BYTES).toString('hex'),
  hash: randomBytes(HASH_BYTES).toString('hex'),
};

/** In a thread of libuv's pool: the event loop goes on. */
function derive(
  password: string,
  salt: Buffer,
  { N, r, p }: Pick<PasswordRecord, 'N' | 'r' | 'p'>,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { N, r, p, maxmem: MEMORY_BYTES_MAX };
    scrypt(password.normalize('NFC'), salt, HASH_BYTES, options, (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}
