import type { Database } from 'better-sqlite3';
import { append } from '../../lists.ts';
import { Journal } from '../journal/journal.ts';
import { RECORD_HEAD_BYTES, type UnsealedRecord } from '../journal/record.ts';
import type { JournalRecord, TornEnd } from '../journal/segment-records.ts';
import type { StoredDamage, StoredTornEnd } from '../store.ts';
import { damageOf } from './batch-rows.ts';
import { CommitData, rowsOf } from './commit-data.ts';
import { BATCH_COLUMNS, type CommitMeta, type CommitRecord, decodeMeta } from './commit-record.ts';
import { DamageError } from './damage-error.ts';
import { type DamagedBatch, DamagedBatches } from './damaged-batches.ts';
import { type DatabaseOptions, openDatabase } from './database.ts';
import { DoomedRows } from './doomed-rows.ts';
import { Failures } from './failures.ts';
import { IndexTransaction } from './index-transaction.ts';
import { MetaValues } from './meta-values.ts';
import { SegmentSpace } from './segment-space.ts';
import type { Removed } from './stream-writer.ts';
import { TransactionWriter } from './transaction-writer.ts';

/** A segment whose file is shorter is written on, though nobody needs what is in it. */
const TIDY_BYTES = 1024 * 1024;

export interface Committed {
  readonly removed: Removed[];
  /** Rows of what was deleted are left, to be removed in steps. */
  readonly hasDoomed: boolean;
}

/**
 * The journal and the database that follows it.
 *
 * Invariant: a commit is in both or in neither. What is returned from `commit` is on the disk in the journal, and the
 * database can lose nothing but what it gets from the journal again.
 */
export class JournaledDatabase {
  readonly database: Database;
  readonly journal: Journal;
  readonly doomed: DoomedRows;
  readonly space: SegmentSpace;
  readonly damaged: DamagedBatches;
  readonly failures: Failures;
  /** What was found and set aside when it was opened. */
  readonly damageAtStart: StoredDamage[] = [];
  readonly tornEnd: StoredTornEnd | undefined;
  readonly folder: string;
  readonly #index: IndexTransaction;
  readonly #writer: TransactionWriter;
  #isFrozen = false;
  readonly #meta: MetaValues;

  /**
   * Opens both for this process alone, with all that was committed.
   *
   * @throws Error with one line for people
   */
  constructor(options: DatabaseOptions) {
    this.folder = options.folder;
    this.database = openDatabase(options);
    const torn: TornEnd[] = [];
    let journal: Journal | undefined;
    try {
      journal = new Journal(options.folder);
      this.journal = journal;
      this.space = new SegmentSpace(this.database);
      this.doomed = new DoomedRows(this.database, this.space);
      this.failures = new Failures(this.database);
      this.#writer = new TransactionWriter(this.database, this.doomed, this.space, this.failures);
      this.#index = new IndexTransaction(this.database, this.journal);
      this.#settlePlace();
      this.#meta = new MetaValues(this.database);
      this.damaged = new DamagedBatches(this.database);
      const { place } = this.#index;
      for (const record of this.journal.recover(place, (end) => torn.push(end))) {
        append(this.damageAtStart, this.#recover(record));
      }
      this.tornEnd = torn[0] && this.#tell(torn[0]);
      this.#checkSegments();
    } catch (error) {
      journal?.close();
      this.database.close();
      throw error;
    }
  }

  /**
   * @throws Error with a code that `isFull` knows when there is no room: nothing of it was applied
   */
  commit(commit: CommitRecord): Committed {
    const record = { ...commit, bytes: Buffer.from(commit.bytes) };
    const { meta: metaText, data } = partsOf(record);
    const meta = decodeMeta(metaText);
    const removed = this.write(() => {
      const freed = this.#writer.write(meta, new CommitData(data, this.journal.locate(record)));
      // Last, so that the journal has nothing that the database refused.
      this.journal.append(record);
      return freed;
    });
    return { removed, hasDoomed: meta.deletedStreams !== undefined || meta.deletedGroups !== undefined };
  }

  /** Changes the database alone, in a way that needs no record: it would come to be again. */
  write<T>(change: () => T): T {
    const { left } = this.failures;
    try {
      return this.#index.run(change);
    } catch (error) {
      this.failures.left = left;
      this.#restore();
      throw error;
    }
  }

  /** Whether so much of the journal is not committed to the database that it should be. */
  followed(bytes: number): boolean {
    return this.#index.followed(bytes);
  }

  /** Commits to the database what it has of the journal, for the next start to begin there. */
  commitIndex(): void {
    try {
      this.#index.commit();
    } catch (error) {
      this.#restore();
      throw error;
    }
  }

  /** The same, on the disk; and gives back the segments of the journal that nobody needs any more. */
  checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): { readonly log: number; readonly isWhole: boolean } {
    // A database that is frozen stays as it is on the disk: its log grows instead.
    if (this.#isFrozen) return { log: this.logFrames(), isWhole: false };
    this.commitIndex();
    const [{ busy, log, checkpointed }] = this.database.pragma(`wal_checkpoint(${mode})`) as [
      { busy: number; log: number; checkpointed: number },
    ];
    const isWhole = busy === 0 && log === checkpointed;
    if (isWhole) {
      this.#releaseSegments();
      if (mode === 'PASSIVE' && log > 0) this.#restartLog();
    }
    return { log, isWhole };
  }

  /**
   * Brings all that is committed into the file of the database, which then stays as it is until `thaw`, and ends the
   * segment that is written to. Commits go on: what they change in the database stays in SQLite's own log meanwhile.
   *
   * @returns the segments of the journal without which that file is not whole, with their bytes
   */
  freeze(): ReadonlyMap<number, number> {
    this.journal.endSegment();
    if (!this.checkpoint('TRUNCATE').isWhole) throw new Error("SQLite's log cannot be emptied now");
    this.#isFrozen = true;
    const used = this.space.usedSegments;
    // A start looks into the segment that the database names as its place.
    const { segment } = this.#index.place;
    return new Map([...this.journal.closed].filter(([id]) => used.has(id) || id >= segment));
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  thaw(): void {
    this.#isFrozen = false;
  }

  /** Frames of SQLite's own log that are not in the database file yet. */
  logFrames(): number {
    this.commitIndex();
    const [{ log, checkpointed }] = this.database.pragma('wal_checkpoint(NOOP)') as [
      { log: number; checkpointed: number },
    ];
    return log - checkpointed;
  }

  /** Gives back what is kept for the commits to come; to be called when there are few. */
  tidy(): void {
    const { journal, space } = this;
    if (journal.currentBytes > TIDY_BYTES && space.bytesOf(journal.end.segment) === 0) {
      journal.closeSegment();
      // The database may have all of it already: with something to commit it names a place behind that segment.
      this.write(() => {});
    }
    const used = space.usedSegments;
    const isFree = (id: number) => !used.has(id) && !journal.pinned.has(id);
    if ([...journal.closed.keys()].some(isFree)) this.checkpoint('PASSIVE');
    journal.releaseSpares();
  }

  close(): void {
    this.thaw();
    this.journal.endSegment();
    try {
      this.checkpoint('TRUNCATE');
      this.commitIndex();
    } catch (error) {
      // The journal has all of it; the next start reads it there.
      if (!isFull(error)) throw error;
    } finally {
      this.abandon();
    }
  }

  /** Closes both as they are. */
  abandon(): void {
    this.journal.close();
    this.database.close();
  }

  /**
   * What the log has is in the database, and stays in the log until something is written to it. Were some of that damaged
   * after a crash, a start would take what comes before the damage for newer than what the database has.
   */
  #restartLog(): void {
    this.write(() => this.#meta.set('log_restarts', this.#meta.get('log_restarts') + 1));
    this.commitIndex();
  }

  /** Segments before that of the place are in the database whole, and needed only for the batches that lie there. */
  #releaseSegments(): void {
    const { segment } = this.#index.place;
    const used = this.space.usedSegments;
    for (const id of [...this.journal.closed.keys()]) {
      if (id >= segment || used.has(id) || this.journal.pinned.has(id)) continue;
      this.journal.release(id);
      this.write(() => this.space.forget(id));
    }
  }

  /** Takes batches that are damaged out of what streams have. */
  setAside(batches: readonly DamagedBatch[]): StoredDamage[] {
    return this.write(() => this.damaged.setAside(batches));
  }

  #follow(record: JournalRecord): void {
    const commit = decodeMeta(record.meta);
    this.#index.run(() => this.#writer.write(commit, new CommitData(record.data, record)));
  }

  /**
   * Follows a record of before the start. Of one whose data is damaged the batches that are damaged are set aside.
   *
   * @throws DamageError when it brings more than batches: that has no checksum by which the damage could be found
   */
  #recover(record: JournalRecord): readonly StoredDamage[] {
    if (record.isWhole) {
      this.#follow(record);
      return [];
    }
    const meta = decodeMeta(record.meta);
    const damaged = damagedBatchesOf(meta, record.data);
    if (damaged === undefined) {
      const { segment, position } = record;
      throw new DamageError(
        `segment ${segment} of the journal is damaged behind byte ${position}`,
        this.folder,
      );
    }
    this.#follow(record);
    return this.#index.run(() => this.damaged.setAside(damaged));
  }

  #tell({ segment, position, meta }: TornEnd): StoredTornEnd {
    const name = this.database.prepare('SELECT name FROM streams WHERE id = ?').pluck();
    const rows = meta === undefined ? [] : rowsOf(decodeMeta(meta).batches, BATCH_COLUMNS);
    const batches = rows.map(([streamId, , first, , count]) => {
      return { stream: String(name.get(streamId) ?? streamId), first: first!, last: first! + count! - 1 };
    });
    return { segment, position, batches };
  }

  /**
   * Brings in again what SQLite rolled back, if it did.
   *
   * @throws Error that `isFull` does not know: the database is not what the journal says any more
   */
  #restore(): void {
    if (!this.#index.isLost) return;
    try {
      this.#index.begin();
      for (const record of this.journal.replay(this.#index.place)) this.#follow(record);
    } catch (cause) {
      throw new Error(`the database cannot follow the journal: ${(cause as Error).message}`, { cause });
    }
  }

  /**
   * A place in a segment that is still to be made does not tell where the one before it ends, which that segment is to
   * say. So no start may have to read on from before it, as after a power cut that takes the place from the database.
   */
  #settlePlace(): void {
    if (this.#index.place.position === 0) this.database.pragma('wal_checkpoint(PASSIVE)');
  }

  #checkSegments(): void {
    for (const id of this.space.usedSegments) {
      const bytes = this.space.bytesOf(id);
      const fileBytes = this.journal.closed.get(id) ?? 0;
      if (fileBytes >= bytes) continue;
      const what = fileBytes === 0 ? 'missing' : `damaged at byte ${fileBytes}, where it ends`;
      throw new DamageError(
        `segment ${id} of the journal is ${what}, and messages of streams are in it`,
        this.folder,
      );
    }
  }
}

/**
 * Which batches of a record that is damaged are; all of them if none of them shows it. Undefined when the record brings
 * other bytes too, or batches that were moved.
 */
function damagedBatchesOf(meta: CommitMeta, data: Buffer): DamagedBatch[] | undefined {
  if (meta.windows ?? meta.delayed ?? meta.dedup ?? meta.schedules ?? meta.moves) return undefined;
  let at = 0;
  const batches = rowsOf(meta.batches, BATCH_COLUMNS).map((row) => {
    const [streamId, lane, first, , count] = row as [number, number, number, number, number];
    const bytes = data.subarray(at, at + row.at(-1)!);
    at += row.at(-1)!;
    return { streamId, lane, first, why: damageOf({ count, flags: null, data: bytes }) };
  });
  const isFound = batches.some(({ why }) => why !== undefined);
  return batches.flatMap(
    ({ why = isFound ? undefined : 'its record does not match its checksum', ...batch }) =>
      why === undefined ? [] : [{ ...batch, why }],
  );
}

function partsOf({ bytes, metaBytes }: UnsealedRecord): { meta: Buffer; data: Buffer } {
  const dataAt = RECORD_HEAD_BYTES + metaBytes;
  return { meta: bytes.subarray(RECORD_HEAD_BYTES, dataAt), data: bytes.subarray(dataAt) };
}

/** Whether there was no room for something, and is all that went wrong. */
export function isFull(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT' || code === 'STORE_FULL';
}
