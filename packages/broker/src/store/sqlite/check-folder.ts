import { existsSync, rmSync, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { Place } from '../journal/journal.ts';
import { Segment } from '../journal/segment.ts';
import { segmentsIn } from '../journal/segment-folder.ts';
import { type JournalRecord, recordsOf } from '../journal/segment-records.ts';
import { damageOf } from './batch-rows.ts';
import { rowsOf } from './commit-data.ts';
import { BATCH_COLUMNS, type CommitMeta, decodeMeta } from './commit-record.ts';
import { isDamage } from './damage-error.ts';
import { WRONG_ROW } from './damaged-rows.ts';
import { findDatabase } from './data-folder.ts';
import { type Finding, FindingList } from './findings.ts';
import { BATCH_ROW_IS_RIGHT, DELAYED_ROW_IS_RIGHT, findAllDamage } from './row-checks.ts';
import { addCrcFunctions } from './row-crc.ts';
import { MIGRATIONS } from './schema.ts';

/** Lines of SQLite about one database, at the most. */
const STRUCTURE_LINES_MAX = 100;
/** After so many bytes others get their turn, who show how far it is. */
const TURN_BYTES: number = 4 * 1024 * 1024;

export interface CheckReport {
  readonly batches: number;
  readonly messages: number;
  readonly records: number;
  readonly findings: readonly Finding[];
  /** Where the journal ends in something that is no whole record, as after a crash. */
  readonly tornAt?: { readonly file: string; readonly byte: number };
}

export interface CheckOptions {
  readonly folder: string;
  /** How much of all that is read was read, 0 to 1. */
  readonly onProgress?: (part: number) => void;
}

/**
 * Reads all of a data folder that no broker runs on, and tells what is damaged in it. Nothing in it is changed.
 *
 * @throws Error with one line for people when there is nothing that could be checked
 */
export async function checkFolder(options: CheckOptions): Promise<CheckReport> {
  const file = findDatabase(options.folder);
  // What SQLite makes to read with goes again, before the lock is given back.
  const made = [`${file}-wal`, `${file}-shm`].filter((path) => !existsSync(path));
  const database = new Database(file, { readonly: true, timeout: 0 });
  try {
    addCrcFunctions(database);
    const check = new FolderCheck(options, file, database);
    return await check.run();
  } catch (cause) {
    if ((cause as { code?: string }).code?.startsWith('SQLITE_BUSY')) {
      throw new Error(`the data folder '${options.folder}' is in use by a broker: stop it first`, { cause });
    }
    throw cause;
  } finally {
    for (const path of made) rmSync(path, { force: true });
    database.close();
  }
}

interface BatchRow {
  readonly streamId: number;
  readonly stream: string | null;
  readonly lane: number;
  readonly first: number;
  /** How many messages entered the lane before it. */
  readonly ordinal: number;
  readonly count: number;
  readonly flags: number | null;
  readonly segment: number | null;
  readonly position: number;
  readonly length: number;
  readonly data: Buffer;
  readonly isRight: number | null;
}

interface DelayedRow {
  readonly id: number;
  readonly stream: string | null;
  readonly lane: number;
  readonly count: number;
  readonly flags: number | null;
  readonly data: Buffer;
  readonly isRight: number | null;
}

class FolderCheck {
  readonly #file: string;
  readonly #database: Database.Database;
  readonly #onProgress: (part: number) => void;
  readonly #segments: Map<number, string>;
  readonly #findings = new FindingList();
  readonly #totalBytes: number;
  #bytes = 0;
  #turnBytes = 0;
  #batches = 0;
  #messages = 0;
  #records = 0;
  /** Up to here the database has what the journal has; behind it, only the journal does. */
  #place: Place = { segment: 0, position: 0 };
  #isPlaceKnown = false;
  /** By the id of the stream. */
  readonly #names = new Map<number, string>();
  #tornAt: CheckReport['tornAt'];

  constructor({ folder, onProgress }: CheckOptions, file: string, database: Database.Database) {
    this.#file = file;
    this.#database = database;
    this.#onProgress = onProgress ?? (() => {});
    const segments = segmentsIn(folder);
    this.#segments = new Map(segments.map(({ id, path }) => [id, path]));
    const journalBytes = segments.reduce((bytes, { path }) => bytes + statSync(path).size, 0);
    // The journal is read by its records, and again batch by batch.
    this.#totalBytes = statSync(file).size + 2 * journalBytes;
  }

  async run(): Promise<CheckReport> {
    try {
      this.#database.exec('BEGIN');
      this.#checkVersion();
      this.#readPlace();
      this.#checkTables();
      await this.#advance(statSync(this.#file).size);
      await this.#checkBatches();
      await this.#checkDelayed();
      this.#listSetAside();
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#findings.add({ file: this.#file, why: (error as Error).message });
    }
    await this.#checkRecords();
    this.#onProgress(1);
    const counts = { batches: this.#batches, messages: this.#messages, records: this.#records };
    return {
      ...counts,
      findings: this.#findings.all,
      ...(this.#tornAt !== undefined && { tornAt: this.#tornAt }),
    };
  }

  /** An older one has no checksums of its rows. */
  #checkVersion(): void {
    const version = this.#database.pragma('user_version', { simple: true }) as number;
    if (version === MIGRATIONS.length) return;
    throw new Error(
      `the database '${this.#file}' has version ${version}, and version ${MIGRATIONS.length} is checked: start this ` +
        'SimpleMQ on it once, which brings it there',
    );
  }

  #readPlace(): void {
    const value = this.#database.prepare('SELECT value FROM meta WHERE name = ?').pluck();
    const [segment, position] = ['journal_segment', 'journal_position'].map((name) =>
      Number(value.get(name)),
    );
    this.#place = { segment: segment!, position: position! };
    this.#isPlaceKnown = true;
    const streams = this.#database.prepare('SELECT id, name FROM streams');
    for (const { id, name } of streams.iterate() as IterableIterator<{ id: number; name: string }>)
      this.#names.set(id, name);
  }

  #checkTables(): void {
    // Rows of these two are looked at with what they name.
    const except = ['batches', 'delayed'];
    for (const { table, row } of findAllDamage(this.#database, { except, linesMax: STRUCTURE_LINES_MAX })) {
      this.#findings.add({
        file: this.#file,
        why: table === '' ? row : `table ${table}: ${row} is not as it was written`,
      });
    }
  }

  async #checkBatches(): Promise<void> {
    const open = new Map<number, Segment>();
    try {
      for (const row of this.#database.prepare(BATCHES).iterate() as IterableIterator<BatchRow>) {
        this.#batches++;
        this.#messages += row.count;
        const why = row.isRight === 1 ? this.#damageOfBatch(row, open) : WRONG_ROW;
        if (why !== undefined) this.#foundBatch(row, why);
        await this.#advance(row.length ?? row.data.length);
      }
    } finally {
      for (const segment of open.values()) segment.close();
    }
  }

  #damageOfBatch(row: BatchRow, open: Map<number, Segment>): string | undefined {
    if (row.segment === null) return damageOf(row);
    const path = this.#segments.get(row.segment);
    if (path === undefined) return `segment ${row.segment} of the journal is missing`;
    let segment = open.get(row.segment);
    if (segment === undefined) {
      segment = Segment.open(path, row.segment, 'r') ?? Segment.openWithoutHeader(path, row.segment);
      open.set(row.segment, segment);
    }
    return damageOf({ ...row, data: segment.read(row.position, row.length) });
  }

  #foundBatch(
    { streamId, stream, lane, first, ordinal, count, segment, position, isRight }: BatchRow,
    why: string,
  ): void {
    const path = segment === null ? undefined : this.#segments.get(segment);
    const messages = {
      stream: stream ?? String(streamId),
      lane,
      first,
      last: first + count - 1,
      messages: count,
    };
    const isGone = isRight === 1 && segment !== null && path === undefined;
    // By what they are in their lane, for its sequence numbers have gaps where the stream has other lanes.
    if (isGone) this.#findings.addRun({ ...messages, file: this.#file, why }, ordinal, ordinal + count);
    else if (isRight === 1 && path !== undefined)
      this.#findings.add({ ...messages, file: path, byte: position, why });
    else this.#findings.add({ ...messages, file: this.#file, why });
  }

  async #checkDelayed(): Promise<void> {
    for (const row of this.#database.prepare(DELAYED).iterate() as IterableIterator<DelayedRow>) {
      const { id, stream, lane, count, isRight } = row;
      this.#messages += count;
      const why = isRight === 1 ? damageOf(row) : WRONG_ROW;
      if (why !== undefined) {
        const what = { stream: stream ?? '', lane, delayedId: id, messages: count };
        this.#findings.add({ ...what, file: this.#file, why });
      }
      await this.#advance(0);
    }
  }

  #listSetAside(): void {
    for (const row of this.#database.prepare(SET_ASIDE).iterate() as IterableIterator<SetAsideRow>) {
      const { segment, position, first, last, delayedId, ...rest } = row;
      const path = segment === null ? undefined : this.#segments.get(segment);
      this.#findings.add({
        ...rest,
        ...(first !== null && last !== null && { first, last }),
        ...(delayedId !== null && { delayedId }),
        ...(path === undefined ? { file: this.#file } : { file: path, byte: position! }),
      });
    }
  }

  /** What a start needs of the segments, whether or not there are batches in what is missing. */
  #checkPlace(): void {
    const { segment, position } = this.#place;
    const last = [...this.#segments.keys()].at(-1) ?? 0;
    // Or the database has all of the journal, which begins a segment with the next commit.
    if (!this.#isPlaceKnown || (position === 0 && last < segment)) return;
    for (let id = segment; id <= Math.max(segment, last); id++) {
      if (!this.#segments.has(id))
        this.#findings.add({ file: this.#file, why: `segment ${id} of the journal is missing` });
    }
    const path = this.#segments.get(segment);
    const bytes = path === undefined ? position : statSync(path).size;
    if (path !== undefined && bytes < position)
      this.#findings.add({ file: path, byte: bytes, why: 'the file of the segment is cut off' });
  }

  async #checkRecords(): Promise<void> {
    this.#checkPlace();
    const last = [...this.#segments.keys()].at(-1);
    let before: { readonly id: number; readonly path: string; readonly end: number } | undefined;
    for (const [id, path] of this.#segments) {
      const segment = Segment.open(path, id, 'r');
      if (segment === undefined) {
        if (id === last && Segment.isUnwritten(path, id)) continue;
        this.#findings.add({ file: path, byte: 0, why: 'the header of the segment is damaged' });
        continue;
      }
      try {
        // What a record says of the one before it, the header of a segment says of the last one of the segment before.
        const isCut = before?.id === id - 1 && before.end !== segment.previousEnd;
        if (isCut && id > this.#place.segment)
          this.#findings.add({
            file: before!.path,
            byte: before!.end,
            why: 'records at the end are missing',
          });
        before = { id, path, end: await this.#checkSegment(segment, path, id === last) };
      } catch (error) {
        this.#findings.add({ file: path, why: (error as Error).message });
      } finally {
        segment.close();
      }
    }
  }

  /** @returns where the last of its records ends */
  async #checkSegment(segment: Segment, path: string, isLast: boolean): Promise<number> {
    const onTorn = ({ position }: { position: number }): void => {
      this.#tornAt = { file: path, byte: position };
    };
    const records = recordsOf(segment, 0, isLast, isLast ? onTorn : undefined);
    for (;;) {
      const { done, value: record } = records.next();
      if (done === true) return record;
      this.#records++;
      const meta = decodeMeta(record.meta);
      const isAhead =
        record.segment > this.#place.segment ||
        (record.segment === this.#place.segment && record.position >= this.#place.position);
      if (isAhead) this.#checkAhead(record, meta, path);
      if (!record.isWhole) this.#foundRecord(record, meta, path);
      await this.#advance(record.data.length);
    }
  }

  /** Batches that the database does not have yet. */
  #checkAhead({ data, position }: JournalRecord, meta: CommitMeta, path: string): void {
    for (const { id, name } of meta.createdStreams ?? []) this.#names.set(id, name);
    let at = 0;
    for (const row of rowsOf(meta.batches, BATCH_COLUMNS)) {
      const [streamId, lane, first, , count] = row as [number, number, number, number, number];
      const length = row.at(-1)!;
      const why = damageOf({ count, flags: null, data: data.subarray(at, at + length) });
      this.#batches++;
      this.#messages += count;
      if (why !== undefined) {
        const messages = {
          stream: this.#nameOf(streamId),
          lane,
          first,
          last: first + count - 1,
          messages: count,
        };
        this.#findings.add({ ...messages, file: path, byte: position + at, why });
      }
      at += length;
    }
  }

  #nameOf(streamId: number): string {
    return this.#names.get(streamId) ?? String(streamId);
  }

  /** Of what a record brought its batches are told, unless they were found, or nobody has them any more. */
  #foundRecord({ data, position }: JournalRecord, meta: CommitMeta, path: string): void {
    const isFound = this.#findings.all.some(
      ({ file, byte = -1 }) => file === path && byte >= position && byte < position + data.length,
    );
    if (isFound) return;
    const batches = rowsOf(meta.batches, BATCH_COLUMNS).map(([streamId, , first, , count]) => {
      return `${this.#nameOf(streamId!)} ${first} to ${first! + count! - 1}`;
    });
    const brought = batches.length === 0 ? '' : `; it brought ${batches.join(', ')}`;
    this.#findings.add({
      file: path,
      byte: position,
      why: `a record does not match its checksum${brought}`,
    });
  }

  async #advance(bytes: number): Promise<void> {
    this.#bytes += bytes;
    this.#turnBytes += bytes + 1_000;
    if (this.#turnBytes < TURN_BYTES) return;
    this.#turnBytes = 0;
    this.#onProgress(Math.min(1, this.#bytes / Math.max(1, this.#totalBytes)));
    await nextTurn();
  }
}

interface SetAsideRow {
  readonly stream: string;
  readonly lane: number;
  readonly first: number | null;
  readonly last: number | null;
  readonly delayedId: number | null;
  readonly messages: number;
  readonly setAsideAt: number;
  readonly why: string;
  readonly segment: number | null;
  readonly position: number | null;
}

// What is left of streams that are deleted is nobody's any more. No index, for one may be what is damaged.
const BATCHES =
  'SELECT stream_id AS streamId, (SELECT name FROM streams WHERE id = stream_id) AS stream, lane, ' +
  'first_seq AS first, COALESCE(ordinal, first_seq - 1) AS ordinal, count, flags, segment, position, length, data, ' +
  `(${BATCH_ROW_IS_RIGHT}) AS isRight FROM batches NOT INDEXED ` +
  'WHERE stream_id NOT IN (SELECT id FROM doomed_streams)';
const DELAYED =
  'SELECT id, (SELECT name FROM streams WHERE id = stream_id) AS stream, lane, count, flags, data, ' +
  `(${DELAYED_ROW_IS_RIGHT}) AS isRight FROM delayed NOT INDEXED WHERE stream_id NOT IN (SELECT id FROM doomed_streams)`;
const SET_ASIDE =
  'SELECT stream, lane, first_seq AS first, last_seq AS last, delayed_id AS delayedId, messages, at AS setAsideAt, ' +
  'why, segment, position FROM damaged ORDER BY id';
