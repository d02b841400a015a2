import { HASH_WORDS } from './id-hash.ts';
import type { IdTable } from './id-table.ts';

/**
 * Message ids of one commit as they are stored, all little-endian:
 *
 *   +------------------+------------------+
 *   | hash: 4 x u32    | number: double   |  …
 *   +------------------+------------------+
 */
const HASH_BYTES: number = HASH_WORDS * 4;
const PACKED_BYTES: number = HASH_BYTES + 8;

/** Packs the ids of a table from `from` up to `to` (not included). */
export function packIds(table: IdTable, from: number, to: number): Uint8Array {
  const packed = new Uint8Array((to - from) * PACKED_BYTES);
  const view = new DataView(packed.buffer);
  for (let index = from, at = 0; index < to; index++, at += PACKED_BYTES) {
    for (let word = 0; word < HASH_WORDS; word++) {
      view.setUint32(at + word * 4, table.hashWord(index, word), true);
    }
    view.setFloat64(at + HASH_BYTES, table.number(index), true);
  }
  return packed;
}

export function packedCount({ length }: Uint8Array): number {
  return length / PACKED_BYTES;
}

/** Adds packed ids to a table. */
export function unpackIds(packed: Uint8Array, table: IdTable): void {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const hash = new Uint32Array(HASH_WORDS);
  for (let at = 0; at < packed.length; at += PACKED_BYTES) {
    for (let word = 0; word < HASH_WORDS; word++) hash[word] = view.getUint32(at + word * 4, true);
    table.add(hash, 0, view.getFloat64(at + HASH_BYTES, true));
  }
}
