/** A line of the broker's source, and what is to be in its place. */
export interface Edit {
  /** Below packages/broker/src. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const JOURNAL = 'store/journal/journal.ts';
const SEGMENT = 'store/journal/segment.ts';
const RECORDS = 'store/journal/segment-records.ts';
const DATABASE = 'store/sqlite/journaled-database.ts';
const SWEEP = 'store/sqlite/segment-sweep.ts';
const TRANSACTIONS = 'engine/transactions.ts';
const RETENTION = 'stream/retention.ts';

/**
 * The broker with segments of half a MiB in place of 32, and all else that comes once in so many bytes or commits in
 * proportion: a short run begins, fills, sweeps, keeps and reuses dozens of segments, where it would not fill one.
 */
export const DENSE: readonly Edit[] = [
  numberIn(JOURNAL, 'export const SEGMENT_BYTES: number = ', '32 * 1024 * 1024', '512 * 1024'),
  numberIn(SEGMENT, 'const AHEAD: Buffer = Buffer.alloc(', '128 * 1024', '16 * 1024'),
  numberIn(SEGMENT, 'const DIRECT_BYTES = ', '128 * 1024', '32 * 1024'),
  numberIn(RECORDS, 'const SEARCH_BYTES = ', '4 * 1024 * 1024', '64 * 1024'),
  numberIn('store/sqlite/checkpoints.ts', 'const LOG_BYTES = ', '4 * 1024 * 1024', '96 * 1024'),
  numberIn('store/sqlite/checkpoints.ts', 'const JOURNAL_BYTES = ', '32 * 1024 * 1024', '512 * 1024'),
  numberIn('store/sqlite/checkpoints.ts', 'const IDLE_MS = ', '500', '40'),
  numberIn('store/sqlite/index-transaction.ts', 'const COMMITS_MAX = ', '500', '25'),
  numberIn('store/sqlite/index-transaction.ts', 'const BYTES_MAX = ', '16 * 1024 * 1024', '256 * 1024'),
  numberIn(DATABASE, 'const TIDY_BYTES = ', '1024 * 1024', '16 * 1024'),
  numberIn(SWEEP, 'const STEP_BYTES = ', '1024 * 1024', '64 * 1024'),
  numberIn('store/sqlite/upkeep.ts', 'const LOOK_MS = ', '500', '40'),
];

function numberIn(file: string, before: string, from: string, to: string): Edit {
  return { file, from: before + from, to: before + to };
}

/** A fault that a crash would show. */
export interface Mutant {
  readonly name: string;
  /** In some hundred states: the normal tests have it. */
  readonly isFoundSoon?: true;
  readonly edits: readonly Edit[];
}

/** Brokers with a fault, to see that it is found. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a commit is answered though it was not synced',
    edits: [{ file: SEGMENT, from: '    syncData(this.#descriptor);\n    this.#end', to: '    this.#end' }],
  },
  {
    name: 'a commit is answered before it is appended',
    isFoundSoon: true,
    edits: [
      {
        file: 'store/sqlite/storage-service.ts',
        from:
          'const { removed, hasDoomed } = storage.commit(record);\n' +
          "    reply({ type: 'committed', id, removed });",
        to:
          "reply({ type: 'committed', id, removed: [] });\n" +
          '    const { hasDoomed } = storage.commit(record);',
      },
    ],
  },
  {
    name: 'the name of a new segment is not synced',
    edits: [{ file: JOURNAL, from: '      this.#folder.sync();\n', to: '' }],
  },
  {
    name: 'the CRC of the data is not looked at',
    edits: [{ file: RECORDS, from: ' && crc32(data) === dataCrc', to: '' }],
  },
  {
    name: 'segments are given back before the database is on the disk',
    edits: [
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of one
      { file: DATABASE, from: 'wal_checkpoint(${mode})', to: 'wal_checkpoint(NOOP)' },
      {
        file: DATABASE,
        from: 'const isWhole = busy === 0 && log === checkpointed;',
        to: 'const isWhole = busy === 0;',
      },
    ],
  },
  {
    name: 'the database is not synced',
    edits: [
      { file: 'store/sqlite/database.ts', from: "'synchronous = NORMAL'", to: "'synchronous = OFF'" },
      {
        file: 'store/sqlite/database.ts',
        from: 'const SYNCHRONOUS_NORMAL = 1;',
        to: 'const SYNCHRONOUS_NORMAL = 0;',
      },
    ],
  },
  {
    name: 'a segment without a header keeps the broker from starting',
    edits: [{ file: JOURNAL, from: '    this.#removeUnwritten(from);\n', to: '' }],
  },
  {
    name: 'what a killed broker left unsynced is not synced by the next',
    edits: [{ file: JOURNAL, from: '      if (id === last) segment.sync();\n', to: '' }],
  },
  {
    name: 'the data folder is not synced into the one above it',
    edits: [{ file: 'store/sqlite/data-folder.ts', from: '  syncFolder(dirname(folder));\n', to: '' }],
  },
  {
    name: 'a transaction is written as two records, its acks and then its publishes',
    edits: [
      {
        file: TRANSACTIONS,
        from: '    const placed = checked.map((publish) => this.#place(publish));\n',
        to:
          '    return this.#options.committer.settled().then(() => {\n' +
          '    const placed = checked.map((publish) => this.#place(publish));\n',
      },
      {
        file: TRANSACTIONS,
        from: '    return this.#committed({ publishes: placed, durability }, producer);\n',
        to: '    return this.#committed({ publishes: placed, durability }, producer); });\n',
      },
    ],
  },
  {
    name: 'a dead letter is stored in the commit after the one that takes its message out of the stream',
    isFoundSoon: true,
    edits: [
      {
        file: 'dead-letters/burials.ts',
        from:
          '        open.separate(lane);\n' + '        open.append(dead, lane, letter, dead.takeTime());\n',
        to:
          '        void this.#options.committer.stored().then(() => {\n' +
          '          const { open: next } = this.#options.committer;\n' +
          '          next.separate(lane);\n' +
          '          next.append(dead, lane, letter, dead.takeTime());\n' +
          '          next.separate(lane);\n' +
          '          this.#options.committer.schedule();\n' +
          '        });\n',
      },
    ],
  },
  {
    name: 'a sweep gives back a segment before what it moves is synced',
    edits: [
      {
        file: SWEEP,
        from: '      const record = encodeMoves(moves, batches);\n',
        to:
          '      const record = encodeMoves(moves, batches);\n' +
          '      if (end === undefined) this.#storage.journal.release(id);\n',
      },
    ],
  },
  {
    name: 'that a stream is deleted is answered before it is stored',
    edits: [
      {
        file: 'engine/stream-administration.ts',
        from: "    await this.#committer.settled();\n    this.#options.onEvent({ type: 'streamDeleted'",
        to: "    this.#committer.schedule();\n    this.#options.onEvent({ type: 'streamDeleted'",
      },
    ],
  },
  {
    name: 'a purge is answered before it is stored',
    edits: [
      {
        file: RETENTION,
        from: '      await this.#committer.settled();\n      return removed;\n',
        to: '      return removed;\n',
      },
    ],
  },
  {
    name: 'a log drops one message more than it has to',
    edits: [
      {
        file: RETENTION,
        from: 'let to = from + Math.max(0, excess);',
        to: 'let to = from + (excess > 0 ? excess + 1 : 0);',
      },
    ],
  },
  {
    name: 'that a group is deleted is answered before it is stored',
    edits: [
      {
        file: 'engine/group-administration.ts',
        from: "    await this.#committer.settled();\n    this.#options.onEvent({ type: 'groupDeleted'",
        to: "    this.#committer.schedule();\n    this.#options.onEvent({ type: 'groupDeleted'",
      },
    ],
  },
];
