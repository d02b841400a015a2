import type { Database } from 'better-sqlite3';
import type { StoredGroup, StoredProducer, StoredStream, StoredWindow, StoreSnapshot } from '../store.ts';

/** Everything but the batches: small, so that a broker starts as fast on ten million messages as on none. */
export function readSnapshot(database: Database): StoreSnapshot {
  const streams = database
    .prepare('SELECT id, name, options, created_at, next_sequence, messages, bytes FROM streams ORDER BY id')
    .all() as StreamRow[];
  const groups = database
    .prepare(
      'SELECT g.id, g.stream_id AS streamId, g.name, g.created_at AS createdAt, p.ack_floor AS ackFloor, ' +
        'p.read_position AS readPosition FROM groups g JOIN positions p ON p.group_id = g.id AND p.lane = 0',
    )
    .all() as StoredGroup[];
  const windows = database
    .prepare(
      'SELECT group_id AS groupId, window, state FROM windows WHERE lane = 0 ORDER BY group_id, window',
    )
    .all() as StoredWindow[];
  const producers = database
    .prepare('SELECT lower(hex(id)) AS id, used_at AS usedAt, receipts FROM producers')
    .all() as StoredProducer[];
  return { streams: streams.map(toStream), groups, windows, producers };
}

interface StreamRow {
  id: number;
  name: string;
  options: string;
  created_at: number;
  next_sequence: number;
  messages: number;
  bytes: number;
}

function toStream({
  id,
  name,
  options,
  created_at,
  next_sequence,
  messages,
  bytes,
}: StreamRow): StoredStream {
  const parsed = JSON.parse(options) as StoredStream['options'];
  return { id, name, options: parsed, createdAt: created_at, nextSequence: next_sequence, messages, bytes };
}
