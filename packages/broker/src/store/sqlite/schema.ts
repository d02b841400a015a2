/** Marks the file as SimpleMQ's in the header of the database: "SMQ1". */
export const APPLICATION_ID = 0x534d5131;

/**
 * What each version of the schema adds to the one before; the index is the version that it starts from. What is here
 * was published and does not change: a new version is a new entry.
 *
 * Integers are declared so because better-sqlite3 binds every number as REAL: INTEGER affinity makes it whole again,
 * exactly up to 2^53.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE streams (
    id            INTEGER PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    options       TEXT NOT NULL,              -- JSON
    created_at    INTEGER NOT NULL,           -- ms since 1970
    next_sequence INTEGER NOT NULL,
    messages      INTEGER NOT NULL,
    bytes         INTEGER NOT NULL
  );

  -- One row for a run of messages. data is a record batch as on the wire, with its checksum. lane is for priorities.
  CREATE TABLE batches (
    stream_id INTEGER NOT NULL,
    lane      INTEGER NOT NULL DEFAULT 0,
    first_seq INTEGER NOT NULL,
    count     INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    time      INTEGER NOT NULL,               -- ms since 1970
    data      BLOB NOT NULL,
    PRIMARY KEY (stream_id, lane, first_seq)
  );

  CREATE TABLE groups (
    id            INTEGER PRIMARY KEY,
    stream_id     INTEGER NOT NULL,
    name          TEXT NOT NULL,
    created_at    INTEGER NOT NULL,           -- ms since 1970
    policy        TEXT NOT NULL DEFAULT '{}', -- JSON
    UNIQUE (stream_id, name)
  );

  -- Where a group is in a lane: all up to ack_floor is acked, all before read_position was delivered.
  CREATE TABLE positions (
    group_id      INTEGER NOT NULL,
    lane          INTEGER NOT NULL DEFAULT 0,
    ack_floor     INTEGER NOT NULL,
    read_position INTEGER NOT NULL,
    PRIMARY KEY (group_id, lane)
  );

  -- Acks and attempts past the floor, 1,024 messages a row.
  CREATE TABLE windows (
    group_id INTEGER NOT NULL,
    lane     INTEGER NOT NULL DEFAULT 0,
    window   INTEGER NOT NULL,
    state    BLOB NOT NULL,
    PRIMARY KEY (group_id, lane, window)
  );

  -- The receipts that a producer may ask for again.
  CREATE TABLE producers (
    id       BLOB PRIMARY KEY,
    used_at  INTEGER NOT NULL,                -- ms since 1970
    receipts TEXT NOT NULL                    -- JSON
  ) WITHOUT ROWID;
  `,
  `
  ALTER TABLE streams ADD COLUMN first_sequence  INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE streams ADD COLUMN last_time       INTEGER NOT NULL DEFAULT 0; -- ms since 1970
  ALTER TABLE streams ADD COLUMN lanes           TEXT NOT NULL DEFAULT '[]'; -- JSON
  -- Of its rows in delayed, so that a start need not count them, and the highest id that one of them has had.
  ALTER TABLE streams ADD COLUMN delayed         INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE streams ADD COLUMN delayed_bytes   INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE streams ADD COLUMN last_delayed_id INTEGER NOT NULL DEFAULT 0;
  UPDATE streams SET
    lanes = json_array(json_object('ordinal', next_sequence - 1, 'end', next_sequence)),
    last_time = coalesce(
      (SELECT time FROM batches WHERE stream_id = streams.id AND lane = 0 ORDER BY first_seq DESC LIMIT 1),
      created_at
    );

  -- How many messages entered the lane before it; NULL, which stands for first_seq - 1, in rows of version 1. It lies
  -- behind data, so it is read only along with that.
  ALTER TABLE batches ADD COLUMN ordinal INTEGER;

  ALTER TABLE positions ADD COLUMN ordinal INTEGER NOT NULL DEFAULT 0;
  UPDATE positions SET ordinal = read_position - 1;

  ALTER TABLE windows ADD COLUMN format INTEGER NOT NULL DEFAULT 1;

  -- Batches that enter their stream when they are due, by the clock that is_steady tells.
  CREATE TABLE delayed (
    id        INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL,
    lane      INTEGER NOT NULL,
    is_steady INTEGER NOT NULL,
    due_at    INTEGER NOT NULL,               -- ms
    count     INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    time      INTEGER NOT NULL,               -- ms since 1970
    data      BLOB NOT NULL
  );
  CREATE INDEX delayed_by_time ON delayed (is_steady, due_at);
  CREATE INDEX delayed_by_stream ON delayed (stream_id);

  -- How messages of a group failed, in the order of the ids. A row lies within one run of 1,024 sequence numbers.
  CREATE TABLE failures (
    id        INTEGER PRIMARY KEY,
    group_id  INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    attempt   INTEGER NOT NULL,
    at        INTEGER NOT NULL,               -- ms since 1970
    cause     TEXT NOT NULL,
    error     TEXT NOT NULL
  );
  CREATE INDEX failures_by_group ON failures (group_id, first_seq);

  -- Message ids, packed, in the order of time and chunk.
  CREATE TABLE dedup (
    stream_id INTEGER NOT NULL,
    time      INTEGER NOT NULL,               -- ms since 1970
    chunk     INTEGER NOT NULL,
    ids       BLOB NOT NULL,
    PRIMARY KEY (stream_id, time, chunk)
  ) WITHOUT ROWID;

  CREATE TABLE schedules (
    name       TEXT PRIMARY KEY,
    stream     TEXT NOT NULL,
    definition TEXT NOT NULL,                 -- JSON
    next_at    INTEGER NOT NULL,              -- ms since 1970
    data       BLOB NOT NULL
  );

  -- Streams and groups that are deleted, and have rows in other tables still.
  CREATE TABLE doomed_streams (id INTEGER PRIMARY KEY);
  CREATE TABLE doomed_groups (id INTEGER PRIMARY KEY);

  -- last_delayed_id is of streams that are deleted.
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO meta VALUES ('clock_offset_ms', 0), ('last_delayed_id', 0);
  `,
  `
  -- Where the batch lies in the journal, which is then not in data; NULL in rows of versions 1 and 2.
  ALTER TABLE batches ADD COLUMN segment  INTEGER;
  ALTER TABLE batches ADD COLUMN position INTEGER;
  ALTER TABLE batches ADD COLUMN length   INTEGER;

  -- How much of each segment of the journal is batches that a stream has.
  CREATE TABLE segments (id INTEGER PRIMARY KEY, bytes INTEGER NOT NULL);

  -- Up to here the journal is in the database.
  INSERT INTO meta VALUES ('journal_segment', 1), ('journal_position', 0);
  `,
];
