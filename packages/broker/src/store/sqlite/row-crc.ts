import { crc32 } from 'node:zlib';
import type { Database } from 'better-sqlite3';

/** What SQLite keeps in a column. */
export type RowValue = number | string | Uint8Array | null;

/** Numbers side by side, at the most. */
const NUMBERS_MAX = 16;
const numbers = new Float64Array(NUMBERS_MAX);
/** The bytes of the first of them, by how many. */
const numberBytes = Array.from(
  { length: NUMBERS_MAX + 1 },
  (_, count) => new Uint8Array(numbers.buffer, 0, count * Float64Array.BYTES_PER_ELEMENT),
);

/**
 * The CRC-32 of the columns of a row, one behind the other: numbers as doubles, texts as UTF-8. SQLite has no checksum
 * of its pages, so rows carry one of their own.
 */
export function rowCrc(values: readonly RowValue[]): number {
  let crc = 0;
  let count = 0;
  for (const value of values) {
    if (typeof value === 'number' || value === null) {
      numbers[count++] = value ?? Number.NaN;
      if (count < NUMBERS_MAX) continue;
    }
    if (count > 0) crc = crc32(numberBytes[count]!, crc);
    count = 0;
    if (typeof value !== 'number' && value !== null) crc = crc32(value, crc);
  }
  return count > 0 ? crc32(numberBytes[count]!, crc) : crc;
}

/** For SQL: `row_crc(column, …)`, and `longer_crc(crc, bytes)` of a row to whose last column these bytes are added. */
export function addCrcFunctions(database: Database): void {
  const options = { deterministic: true, directOnly: true };
  database.function('row_crc', { ...options, varargs: true }, (...values: RowValue[]) => rowCrc(values));
  database.function('longer_crc', options, (crc: number, bytes: Uint8Array) => crc32(bytes, crc));
}
