import type { ScannedText } from '@simplemq/protocol';

/** 32-bit words of a hashed id. */
export const HASH_WORDS = 4;

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

/**
 * Writes the MurmurHash3_x86_128 (Austin Appleby, public domain) of an id's UTF-8 bytes, with seed 0, to `hashes` from
 * the word `at` on. It spreads ids as well as a cryptographic hash does, ten times as fast; who could make two ids
 * collide may as well send the same id twice. No id has a hash of zeros, which stand for none.
 */
export function hashId({ bytes, start, end }: HashableId, hashes: Uint32Array, at = 0): void {
  const length = end - start;
  let h1 = 0;
  let h2 = 0;
  let h3 = 0;
  let h4 = 0;
  let from = start;
  for (; from + 16 <= end; from += 16) {
    h1 = mixed(h1, word(bytes, from), C1, C2, 15);
    h1 = (Math.imul(rotated(h1, 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 = mixed(h2, word(bytes, from + 4), C2, C3, 16);
    h2 = (Math.imul(rotated(h2, 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 = mixed(h3, word(bytes, from + 8), C3, C4, 17);
    h3 = (Math.imul(rotated(h3, 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 = mixed(h4, word(bytes, from + 12), C4, C1, 18);
    h4 = (Math.imul(rotated(h4, 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  const left = end - from;
  if (left > 12) h4 = mixed(h4, lastWord(bytes, from + 12, end), C4, C1, 18);
  if (left > 8) h3 = mixed(h3, lastWord(bytes, from + 8, end), C3, C4, 17);
  if (left > 4) h2 = mixed(h2, lastWord(bytes, from + 4, end), C2, C3, 16);
  if (left > 0) h1 = mixed(h1, lastWord(bytes, from, end), C1, C2, 15);
  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
  h1 = finished(h1);
  h2 = finished(h2);
  h3 = finished(h3);
  h4 = finished(h4);
  h1 = (h1 + h2 + h3 + h4) | 0;
  hashes[at] = h1;
  hashes[at + 1] = h2 + h1;
  hashes[at + 2] = h3 + h1;
  hashes[at + 3] = h4 + h1;
  if (isNone(hashes, at)) hashes[at] = 1;
}

type HashableId = Pick<ScannedText, 'bytes' | 'start' | 'end'>;

/** Whether there are the zeros there that stand for no id. */
export function isNone(hashes: Uint32Array, at: number): boolean {
  return hashes[at] === 0 && hashes[at + 1] === 0 && hashes[at + 2] === 0 && hashes[at + 3] === 0;
}

function word(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** As word; what is past the end is 0. */
function lastWord(bytes: Buffer, at: number, end: number): number {
  if (at + 4 <= end) return word(bytes, at);
  let last = 0;
  for (let i = Math.min(end, at + 4) - 1; i >= at; i--) last = (last << 8) | bytes[i]!;
  return last;
}

function mixed(h: number, k: number, first: number, second: number, shift: number): number {
  return h ^ Math.imul(rotated(Math.imul(k, first), shift), second);
}

function rotated(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

function finished(h: number): number {
  let k = h ^ (h >>> 16);
  k = Math.imul(k, 0x85ebca6b);
  k ^= k >>> 13;
  k = Math.imul(k, 0xc2b2ae35);
  return k ^ (k >>> 16);
}
