import { crc32 } from 'node:zlib';

/** What the load publishes. Its bytes follow from its publisher and number, so that anybody can tell whether they are right. */
export interface Body {
  readonly publisher: string;
  readonly number: number;
  readonly bytes: Uint8Array;
}

const BYTES_MAX = 400;
/** One body of so many is large. */
const LARGE_EVERY = 211;
const LARGE_BYTES = 60_000;

export function bodyOf(publisher: string, number: number): Body {
  const text = `${publisher}/${number} `;
  const length = number % LARGE_EVERY === 0 ? LARGE_BYTES : crc32(text) % BYTES_MAX;
  return { publisher, number, bytes: Buffer.alloc(length, text) };
}

export function checksumOf(bytes: Uint8Array): number {
  return crc32(bytes);
}
