import type { Database, Statement } from 'better-sqlite3';
import { SEGMENT_BYTES } from '../journal/journal.ts';
import type { JournalRecord } from '../journal/segment-records.ts';
import { rowsOf } from './commit-data.ts';
import { BATCH_COLUMNS, type CommitMeta, decodeMeta, encodeMoves, MOVE_COLUMNS } from './commit-record.ts';
import type { JournaledDatabase } from './journaled-database.ts';

/** What may lie in the journal without use, besides as much as is of use. */
const GARBAGE_BYTES_MAX: number = 2 * SEGMENT_BYTES;
/** About what one step moves. */
const STEP_BYTES = 1024 * 1024;

/** Moves the batches of segments of which little is of use to the end of the journal, so that those can be given back. */
export class SegmentSweep {
  readonly #storage: JournaledDatabase;
  readonly #lies: Statement;
  /** Those that are damaged so that it cannot be told what lies in them; it stays there. */
  readonly #unreadable = new Set<number>();
  #victim: { id: number; position: number } | undefined;

  constructor(storage: JournaledDatabase) {
    this.#storage = storage;
    this.#lies = (storage.database as Database).prepare(
      'SELECT 1 FROM batches WHERE stream_id = ? AND lane = ? AND first_seq = ? AND segment = ? AND position = ?',
    );
  }

  /** Moves some. @returns how many bytes, or undefined when there is nothing to be done */
  step(): number | undefined {
    const { journal } = this.#storage;
    // What is copied cannot be given back, so to empty it would only cost space.
    if (journal.pinned.size > 0) return undefined;
    // Between two steps the rest of it may have been removed, and the segment given back.
    if (this.#victim !== undefined && !journal.closed.has(this.#victim.id)) this.#victim = undefined;
    this.#victim ??= this.#choose();
    if (this.#victim === undefined) return undefined;
    const { id } = this.#victim;
    let moved = 0;
    const records = journal.records({ segment: id, position: this.#victim.position });
    for (let record = this.#next(records, id); record !== undefined; record = this.#next(records, id)) {
      moved += this.#move(record);
      this.#victim.position = record.position + record.data.length;
      if (moved >= STEP_BYTES) return moved;
    }
    this.#victim = undefined;
    return moved;
  }

  #next(records: Generator<JournalRecord, number>, id: number): JournalRecord | undefined {
    try {
      const { value, done } = records.next();
      return done === true ? undefined : value;
    } catch {
      this.#unreadable.add(id);
      return undefined;
    }
  }

  #choose(): { id: number; position: number } | undefined {
    const { journal, space, damaged } = this.#storage;
    const garbage = journal.fileBytes - space.totalBytes;
    if (garbage <= Math.max(GARBAGE_BYTES_MAX, space.totalBytes)) return undefined;
    // What was set aside stays where it is.
    const kept = damaged.segments;
    let victim: number | undefined;
    let most = 0;
    for (const [id, fileBytes] of journal.closed) {
      const used = space.bytesOf(id);
      // One that nobody uses goes with the next checkpoint.
      if (used === 0 || fileBytes - used <= most || kept.has(id) || this.#unreadable.has(id)) continue;
      victim = id;
      most = fileBytes - used;
    }
    return victim === undefined ? undefined : { id: victim, position: 0 };
  }

  #move({ meta, data, segment, position }: JournalRecord): number {
    const moves: number[] = [];
    const batches: Buffer[] = [];
    for (const { streamId, lane, first, at, length } of batchesOf(decodeMeta(meta))) {
      if (this.#lies.get(streamId, lane, first, segment, position + at) === undefined) continue;
      moves.push(streamId, lane, first, segment, position + at, length);
      batches.push(data.subarray(at, at + length));
    }
    if (moves.length === 0) return 0;
    const record = encodeMoves(moves, batches);
    this.#storage.commit(record);
    return record.bytes.byteLength;
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
