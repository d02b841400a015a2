import type { Journal } from '../journal/journal.ts';
import type { BatchRow } from './messages.ts';

/** A batch as the database has it: its bytes, or, once there is a journal, where they lie there. */
export type StoredRow = Omit<BatchRow, 'data'> &
  (
    | { readonly segment: number; readonly position: number; readonly length: number }
    | { readonly segment: null; readonly data: Uint8Array<ArrayBuffer> }
  );

type InJournal = Extract<StoredRow, { segment: number }>;

/** Between two batches lie the meta of their records, and what is removed or of other streams. */
const GAP_BYTES_MAX = 16 * 1024;
const RUN_BYTES_MAX = 1024 * 1024;
/** Small batches share their memory, up to about so much: what one of them keeps of it is no more than that. */
const SHARED_BYTES = 64 * 1024;

/** Reads the bytes of batches, those that are neighbours in the journal at once. */
export function readRows(journal: Journal, rows: readonly StoredRow[]): BatchRow[] {
  const read: BatchRow[] = [];
  for (let start = 0; start < rows.length; ) {
    const row = rows[start]!;
    if (row.segment === null) {
      read.push(row);
      start++;
      continue;
    }
    const end = runFrom(rows, start);
    readRun(journal, rows.slice(start, end) as InJournal[], read);
    start = end;
  }
  return read;
}

/** The index after the last row that is read along with this one. */
function runFrom(rows: readonly StoredRow[], start: number): number {
  const { segment, position } = rows[start] as InJournal;
  let last = rows[start] as InJournal;
  let end = start + 1;
  for (; end < rows.length; end++) {
    const next = rows[end]!;
    if (next.segment !== segment) break;
    const gap = next.position - (last.position + last.length);
    if (gap < 0 || gap > GAP_BYTES_MAX || next.position + next.length - position > RUN_BYTES_MAX) break;
    last = next;
  }
  return end;
}

function readRun(journal: Journal, rows: readonly InJournal[], read: BatchRow[]): void {
  const start = rows[0]!.position;
  const last = rows.at(-1)!;
  const run = journal.read(rows[0]!, last.position + last.length - start);
  const memory = new SharedMemory(rows.reduce((bytes, { length }) => bytes + length, 0));
  for (const { first, ordinal, count, flags, time, position, length } of rows) {
    const bytes = run.subarray(position - start, position - start + length);
    const isAlone = bytes.length === run.length && run.length === run.buffer.byteLength;
    read.push({ first, ordinal, count, flags, time, data: isAlone ? bytes : memory.copy(bytes) });
  }
}

/** Memory without the gaps. */
class SharedMemory {
  #memory: Buffer<ArrayBuffer> = Buffer.alloc(0);
  #used = 0;
  #left: number;

  /** @param bytes how much is to be copied in all */
  constructor(bytes: number) {
    this.#left = bytes;
  }

  copy(bytes: Uint8Array): Buffer<ArrayBuffer> {
    if (this.#used + bytes.length > this.#memory.length) {
      this.#memory = Buffer.allocUnsafeSlow(Math.max(bytes.length, Math.min(SHARED_BYTES, this.#left)));
      this.#used = 0;
    }
    const copy = this.#memory.subarray(this.#used, this.#used + bytes.length);
    copy.set(bytes);
    this.#used += bytes.length;
    this.#left -= bytes.length;
    return copy;
  }
}
