import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { TokenRecord } from './user-record.ts';

/** What a token begins with, so that it is known as one, also by whoever looks for secrets in a repository. */
export const TOKEN_PREFIX = 'smq_';
const TOKEN_BYTES = 32;

export function isTokenLike(password: string): boolean {
  return password.startsWith(TOKEN_PREFIX);
}

/** A new token, which is shown once, and what is kept of it. */
export function makeToken(name: string, endsAt: Date | undefined): { token: string; record: TokenRecord } {
  const token = TOKEN_PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
  const record = {
    name,
    sha256: digestOf(token).toString('hex'),
    createdAt: new Date().toISOString(),
    ...(endsAt !== undefined && { endsAt: endsAt.toISOString() }),
  };
  return { token, record };
}

/** The record of a token, unless its end has come. Every record is compared, whichever it is. */
export function findToken(
  token: string,
  records: readonly TokenRecord[],
  nowMs: number,
): TokenRecord | undefined {
  const digest = digestOf(token);
  let found: TokenRecord | undefined;
  for (const record of records) {
    if (timingSafeEqual(digest, Buffer.from(record.sha256, 'hex'))) found = record;
  }
  return found !== undefined && endMsOf(found) > nowMs ? found : undefined;
}

/** When a token ends, in milliseconds since 1970 UTC. */
export function endMsOf({ endsAt }: Pick<TokenRecord, 'endsAt'>): number {
  return endsAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(endsAt);
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
