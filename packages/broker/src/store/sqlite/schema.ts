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
  `
  -- Each row has a CRC-32 of its columns, or total, the sum of those to which is added in place; see row-checks.ts. It is
  -- NULL only in rows of batches that were stored before there was a journal.
  ALTER TABLE streams ADD COLUMN crc          INTEGER;
  ALTER TABLE streams ADD COLUMN counters_crc INTEGER;
  ALTER TABLE streams ADD COLUMN total        INTEGER;
  UPDATE streams SET
    crc = row_crc(id, name, options, created_at),
    counters_crc = row_crc(id, next_sequence, first_sequence, messages, last_time, lanes),
    total = id + bytes + delayed + delayed_bytes + last_delayed_id;

  -- Of the batch's head, which its own checksum does not cover; NULL where it was not kept.
  ALTER TABLE batches ADD COLUMN flags INTEGER;
  ALTER TABLE batches ADD COLUMN crc   INTEGER;
  UPDATE batches
    SET crc = row_crc(stream_id, lane, first_seq, ordinal, count, bytes, time, length, segment, position, flags)
    WHERE segment IS NOT NULL;

  ALTER TABLE delayed ADD COLUMN flags INTEGER;
  ALTER TABLE delayed ADD COLUMN crc   INTEGER;
  UPDATE delayed SET crc = row_crc(id, stream_id, lane, is_steady, due_at, count, bytes, time, flags);

  ALTER TABLE groups ADD COLUMN crc INTEGER;
  UPDATE groups SET crc = row_crc(id, stream_id, name, created_at, policy);
  ALTER TABLE positions ADD COLUMN crc INTEGER;
  UPDATE positions SET crc = row_crc(group_id, lane, ack_floor, read_position, ordinal);
  ALTER TABLE windows ADD COLUMN crc INTEGER;
  UPDATE windows SET crc = row_crc(group_id, lane, window, format, state);
  ALTER TABLE producers ADD COLUMN crc INTEGER;
  UPDATE producers SET crc = row_crc(id, used_at, receipts);
  ALTER TABLE failures ADD COLUMN crc INTEGER;
  UPDATE failures SET crc = row_crc(group_id, first_seq, last_seq, attempt, at, cause, error);
  ALTER TABLE dedup ADD COLUMN crc INTEGER;
  UPDATE dedup SET crc = row_crc(stream_id, time, chunk, ids);
  ALTER TABLE schedules ADD COLUMN crc INTEGER;
  UPDATE schedules SET crc = row_crc(name, stream, definition, next_at, data);
  ALTER TABLE doomed_streams ADD COLUMN crc INTEGER;
  UPDATE doomed_streams SET crc = row_crc(id);
  ALTER TABLE doomed_groups ADD COLUMN crc INTEGER;
  UPDATE doomed_groups SET crc = row_crc(id);
  ALTER TABLE segments ADD COLUMN total INTEGER;
  UPDATE segments SET total = id + bytes;
  ALTER TABLE meta ADD COLUMN crc INTEGER;
  -- log_restarts is there to be written; schema_crc is of what SQLite knows of all these tables.
  INSERT INTO meta (name, value) VALUES ('log_restarts', 0), ('schema_crc', 0), ('clock_steady_ms', 0);
  UPDATE meta SET crc = row_crc(name, value);

  -- What was damaged and is set aside: no stream has it any more. What lay in the journal stays there while the stream
  -- does; what was delayed is in data, and has an id in place of sequence numbers.
  CREATE TABLE damaged (
    id         INTEGER PRIMARY KEY,
    stream_id  INTEGER NOT NULL,
    stream     TEXT NOT NULL,
    lane       INTEGER NOT NULL,
    first_seq  INTEGER,
    last_seq   INTEGER,
    delayed_id INTEGER,
    messages   INTEGER NOT NULL,
    at         INTEGER NOT NULL,              -- ms since 1970
    why        TEXT NOT NULL,
    segment    INTEGER,
    position   INTEGER,
    length     INTEGER,
    crc        INTEGER NOT NULL,              -- of all but id and data
    data       BLOB
  );
  `,
];
