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
];
