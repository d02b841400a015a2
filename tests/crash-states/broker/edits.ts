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
  numberIn('store/sqlite/segment-sweep.ts', 'const STEP_BYTES = ', '1024 * 1024', '64 * 1024'),
  numberIn('store/sqlite/upkeep.ts', 'const LOOK_MS = ', '500', '40'),
];

function numberIn(file: string, before: string, from: string, to: string): Edit {
  return { file, from: before + from, to: before + to };
}

/** A fault that a crash would show. */
export interface Mutant {
  readonly name: string;
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
    edits: [{ file: RECORDS, from: ' && crc32(data) === head.dataCrc', to: '' }],
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
];
