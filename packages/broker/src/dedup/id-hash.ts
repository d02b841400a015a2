/** 32-bit words of a hashed id. */
export const HASH_WORDS = 4;

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

/**
 * MurmurHash3_x86_128 (Austin Appleby, public domain) of a string's UTF-16 code units, little-endian, with seed 0. It
 * spreads ids as well as a cryptographic hash does, ten times as fast; who could make two ids collide may as well send
 * the same id twice.
 */
export function hashId(id: string, hash: Uint32Array): void {
  const units = id.length;
  let h1 = 0;
  let h2 = 0;
  let h3 = 0;
  let h4 = 0;
  let at = 0;
  for (; at + 8 <= units; at += 8) {
    h1 = mixed(h1, word(id, at), C1, C2, 15);
    h1 = (Math.imul(rotated(h1, 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 = mixed(h2, word(id, at + 2), C2, C3, 16);
    h2 = (Math.imul(rotated(h2, 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 = mixed(h3, word(id, at + 4), C3, C4, 17);
    h3 = (Math.imul(rotated(h3, 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 = mixed(h4, word(id, at + 6), C4, C1, 18);
    h4 = (Math.imul(rotated(h4, 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  const left = units - at;
  if (left > 6) h4 = mixed(h4, word(id, at + 6), C4, C1, 18);
  if (left > 4) h3 = mixed(h3, word(id, at + 4), C3, C4, 17);
  if (left > 2) h2 = mixed(h2, word(id, at + 2), C2, C3, 16);
  if (left > 0) h1 = mixed(h1, word(id, at), C1, C2, 15);
  const bytes = units * 2;
  h1 ^= bytes;
  h2 ^= bytes;
  h3 ^= bytes;
  h4 ^= bytes;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
  h1 = finished(h1);
  h2 = finished(h2);
  h3 = finished(h3);
  h4 = finished(h4);
  h1 = (h1 + h2 + h3 + h4) | 0;
  hash[0] = h1;
  hash[1] = h2 + h1;
  hash[2] = h3 + h1;
  hash[3] = h4 + h1;
}

/** Two code units as one word; what is past the end is 0. */
function word(id: string, at: number): number {
  const high = at + 1 < id.length ? id.charCodeAt(at + 1) : 0;
  return id.charCodeAt(at) | (high << 16);
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
