import type { Database, Statement } from 'better-sqlite3';
import type { CommitData } from './commit-data.ts';
import type { CommitMeta } from './commit-record.ts';
import { DedupWriter } from './dedup-writer.ts';
import { DelayedWriter } from './delayed-writer.ts';
import type { DoomedRows } from './doomed-rows.ts';
import type { Failures } from './failures.ts';
import { GroupWriter } from './group-writer.ts';
import { MetaValues } from './meta-values.ts';
import { rowCrc } from './row-crc.ts';
import type { SegmentSpace } from './segment-space.ts';
import { prepareAll } from './statements.ts';
import { type Removed, StreamWriter } from './stream-writer.ts';

/** Applies commits to the database, each whole or not at all. */
export class TransactionWriter {
  readonly #sql: Record<keyof typeof SQL, Statement>;
  readonly #doomed: DoomedRows;
  readonly #streams: StreamWriter;
  readonly #groups: GroupWriter;
  readonly #delayed: DelayedWriter;
  readonly #failures: Failures;
  readonly #dedup: DedupWriter;
  readonly #meta: MetaValues;

  constructor(database: Database, doomed: DoomedRows, space: SegmentSpace, failures: Failures) {
    this.#sql = prepareAll(database, SQL);
    this.#doomed = doomed;
    this.#streams = new StreamWriter(database, space);
    this.#groups = new GroupWriter(database);
    this.#delayed = new DelayedWriter(database);
    this.#failures = failures;
    this.#dedup = new DedupWriter(database);
    this.#meta = new MetaValues(database);
  }

  /** Within a transaction. @returns what the removals freed */
  write(commit: CommitMeta, data: CommitData): Removed[] {
    this.#deleteAndCreate(commit);
    this.#streams.move(commit, data);
    const removed = this.#streams.write(commit, data);
    this.#groups.write(commit, data);
    this.#writeProducers(commit);
    this.#delayed.write(commit, data);
    this.#failures.write(commit);
    this.#dedup.write(commit, data);
    this.#writeSchedules(commit, data);
    for (const offsetMs of commit.clockOffsetMs ?? []) this.#meta.set('clock_offset_ms', offsetMs);
    for (const steadyMs of commit.clockSteadyMs ?? []) this.#meta.set('clock_steady_ms', steadyMs);
    return removed;
  }

  /** What is deleted goes first: what is created may have its name, or be given its id after a restart. */
  #deleteAndCreate(commit: CommitMeta): void {
    const {
      deletedStreams = [],
      createdStreams = [],
      updatedStreams = [],
      deletedGroups = [],
      groups = [],
    } = commit;
    for (const id of deletedStreams) this.#doomed.addStream(id);
    for (const stream of createdStreams) {
      this.#doomed.finishStream(stream.id);
      this.#streams.create(stream);
    }
    for (const update of updatedStreams) this.#streams.updateOptions(update);
    for (const id of deletedGroups) this.#doomed.addGroup(id);
    for (const { id } of groups) this.#doomed.finishGroup(id);
  }

  #writeProducers({ producers = [], forgottenProducers = [] }: CommitMeta): void {
    for (const { id, usedAt, receipts } of producers) {
      const row = [Buffer.from(id, 'hex'), usedAt, receipts];
      this.#sql.saveProducer.run(row, rowCrc(row));
    }
    for (const id of forgottenProducers) this.#sql.forgetProducer.run(Buffer.from(id, 'hex'));
  }

  #writeSchedules({ schedules = [], deletedSchedules = [] }: CommitMeta, data: CommitData): void {
    // One that is in both was saved in the place of one that is gone.
    for (const name of deletedSchedules) this.#sql.deleteSchedule.run(name);
    for (const { name, stream, definition, nextAt, bytes } of schedules) {
      const row = [name, stream, JSON.stringify(definition), nextAt, data.take(bytes)];
      this.#sql.saveSchedule.run(row, rowCrc(row));
    }
  }
}

const SQL = {
  saveProducer:
    'INSERT INTO producers (id, used_at, receipts, crc) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET ' +
    'used_at = excluded.used_at, receipts = excluded.receipts, crc = excluded.crc',
  forgetProducer: 'DELETE FROM producers WHERE id = ?',
  saveSchedule:
    'INSERT INTO schedules (name, stream, definition, next_at, data, crc) VALUES (?, ?, ?, ?, ?, ?) ' +
    'ON CONFLICT (name) DO UPDATE SET stream = excluded.stream, definition = excluded.definition, ' +
    'next_at = excluded.next_at, data = excluded.data, crc = excluded.crc',
  deleteSchedule: 'DELETE FROM schedules WHERE name = ?',
} as const;
