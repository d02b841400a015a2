import type { Database, Statement } from 'better-sqlite3';
import { SEGMENT_BYTES } from '../journal/journal.ts';
import type { RecordMeta } from '../journal/segment-records.ts';
import { rowsOf } from './commit-data.ts';
import { BATCH_COLUMNS, type CommitMeta, decodeMeta, encodeMoves, MOVE_COLUMNS } from './commit-record.ts';
import type { JournaledDatabase } from './journaled-database.ts';

/** What may lie in the journal without use, besides as much as is of use. */
const GARBAGE_BYTES_MAX: number = 2 * SEGMENT_BYTES;
/** One step moves no more than this and what is of use of one record, all of it in one commit. */
const STEP_BYTES = 1024 * 1024;
/** It looks no longer than this, and one record, for what is to be moved: a commit waits for that, and for the move. */
const STEP_MS = 8;

/** Moves the batches of segments of which little is of use to the end of the journal, so that those can be given back. */
export class SegmentSweep {
  readonly #storage: JournaledDatabase;
  readonly #lies: Statement;
  /** Those with something of use that none of their records tells of, or that cannot be read: it stays there. */
  readonly #unreadable = new Set<number>();
  #victim: { id: number; position: number } | undefined;

  constructor(storage: JournaledDatabase) {
    this.#storage = storage;
    this.#lies = (storage.database as Database).prepare(
      'SELECT 1 FROM batches WHERE stream_id = ? AND lane = ? AND first_seq = ? AND segment = ? AND position = ?',
    );
  }

  /** How many times as much lies there without use as may, but for segments that are copied and so cannot be emptied. */
  get pressure(): number {
    const { journal, space } = this.#storage;
    const { totalBytes } = space;
    let garbageBytes = journal.fileBytes - totalBytes;
    for (const id of journal.pinned) garbageBytes -= (journal.closed.get(id) ?? 0) - space.bytesOf(id);
    return garbageBytes / Math.max(GARBAGE_BYTES_MAX, totalBytes);
  }

  /** Moves some. @returns how many bytes, or undefined when there is nothing to be done */
  step(): number | undefined {
    const { space, isFrozen } = this.#storage;
    // Until the database's file is copied nothing is given back, so to empty a segment would only cost space.
    if (isFrozen) return undefined;
    // Between two steps the rest of it may have been removed, and the segment given back; or it is copied now.
    if (this.#victim !== undefined && !this.#mayBeEmptied(this.#victim.id)) this.#victim = undefined;
    this.#victim ??= this.#choose();
    if (this.#victim === undefined) return undefined;
    const { id, position } = this.#victim;
    const { moves, batches, end } = this.#collect(id, position);
    let bytes = 0;
    if (moves.length > 0) {
      const record = encodeMoves(moves, batches);
      this.#storage.commit(record);
      bytes = record.bytes.byteLength;
    }
    if (end === undefined) {
      // Its records cannot be read up to the end.
      if (space.bytesOf(id) > 0) this.#unreadable.add(id);
      this.#victim = undefined;
    } else this.#victim.position = end;
    return bytes;
  }

  /** What is of use of a segment, from a position on. */
  #collect(id: number, position: number): { moves: number[]; batches: Buffer[]; end: number | undefined } {
    const moves: number[] = [];
    const batches: Buffer[] = [];
    const startedAt = performance.now();
    let bytes = 0;
    for (const record of this.#storage.journal.metas({ segment: id, position })) {
      for (const { batch, move } of this.#lying(record)) {
        moves.push(...move);
        batches.push(batch);
        bytes += batch.length;
      }
      const isEnough = bytes >= STEP_BYTES || performance.now() - startedAt >= STEP_MS;
      if (isEnough) return { moves, batches, end: record.position + record.dataBytes };
    }
    return { moves, batches, end: undefined };
  }

  #choose(): { id: number; position: number } | undefined {
    if (this.pressure <= 1) return undefined;
    const { journal, space, damaged } = this.#storage;
    // What was set aside stays where it is.
    const kept = damaged.segments;
    let victim: number | undefined;
    let most = 0;
    for (const [id, fileBytes] of journal.closed) {
      const used = space.bytesOf(id);
      // One that nobody uses goes with the next checkpoint.
      if (used === 0 || fileBytes - used <= most || kept.has(id) || this.#unreadable.has(id)) continue;
      if (!this.#mayBeEmptied(id)) continue;
      victim = id;
      most = fileBytes - used;
    }
    return victim === undefined ? undefined : { id: victim, position: 0 };
  }

  #mayBeEmptied(id: number): boolean {
    const { closed, pinned } = this.#storage.journal;
    return closed.has(id) && !pinned.has(id);
  }

  *#lying({ meta, segment, position }: RecordMeta): Generator<{ batch: Buffer; move: readonly number[] }> {
    for (const { streamId, lane, first, at, length } of batchesOf(decodeMeta(meta))) {
      if (this.#lies.get(streamId, lane, first, segment, position + at) === undefined) continue;
      const batch = this.#storage.journal.read({ segment, position: position + at }, length);
      if (batch.length < length) continue;
      yield { batch, move: [streamId, lane, first, segment, position + at, length] };
    }
  }
}

/** The batches that came with a record, or were moved with it, and where in its data they lie. */
function* batchesOf({ batches, moves }: CommitMeta) {
  let at = 0;
  for (const row of rowsOf(moves, MOVE_COLUMNS)) {
    const length = row[MOVE_COLUMNS - 1]!;
    yield { streamId: row[0]!, lane: row[1]!, first: row[2]!, at, length };
    at += length;
  }
  for (const row of rowsOf(batches, BATCH_COLUMNS)) {
    const length = row[BATCH_COLUMNS - 1]!;
    yield { streamId: row[0]!, lane: row[1]!, first: row[2]!, at, length };
    at += length;
  }
}
