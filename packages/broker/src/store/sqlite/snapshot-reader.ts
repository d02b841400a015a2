import type { Database } from 'better-sqlite3';
import type {
  StoredDedup,
  StoredGroup,
  StoredPosition,
  StoredProducer,
  StoredSchedule,
  StoredStream,
  StoredWindow,
  StoreSnapshot,
} from '../store.ts';

/**
 * Everything but batches, delayed messages and failures: small, so that a broker starts as fast on ten million messages
 * as on none. What is left of doomed streams and groups is not part of it.
 */
export function readSnapshot(database: Database): StoreSnapshot {
  const all = <Row>(sql: string): Row[] => database.prepare(sql).all() as Row[];
  const value = <T>(sql: string): T => database.prepare(sql).pluck().get() as T;
  const nextWallMs = value<number | null>('SELECT min(due_at) FROM delayed WHERE is_steady = 0');
  const nextSteadyMs = value<number | null>('SELECT min(due_at) FROM delayed WHERE is_steady = 1');
  return {
    streams: all<Json<StoredStream, 'options' | 'lanes'>>(STREAMS).map(toStream),
    groups: toGroups(
      all<Omit<Json<StoredGroup, 'policy'>, 'positions'>>(GROUPS),
      all<PositionRow>(POSITIONS),
    ),
    windows: all<StoredWindow>(WINDOWS),
    producers: all<StoredProducer>(
      'SELECT lower(hex(id)) AS id, used_at AS usedAt, receipts FROM producers ORDER BY used_at',
    ),
    dedup: all<StoredDedup>(DEDUP),
    schedules: all<Json<StoredSchedule, 'definition'>>(SCHEDULES).map(toSchedule),
    lastDelayedId: value<number>(LAST_DELAYED_ID),
    delayed: all<StoreSnapshot['delayed'][number]>(
      'SELECT id AS streamId, delayed AS messages, delayed_bytes AS bytes FROM streams WHERE delayed > 0',
    ),
    ...(nextWallMs !== null && { nextWallMs }),
    ...(nextSteadyMs !== null && { nextSteadyMs }),
    failingGroups: database.prepare(FAILING_GROUPS).pluck().all() as number[],
    clockOffsetMs: value<number>("SELECT value FROM meta WHERE name = 'clock_offset_ms'"),
    clockSteadyMs: value<number>("SELECT value FROM meta WHERE name = 'clock_steady_ms'"),
  };
}

/** A row in which these are JSON. */
type Json<T, Key extends keyof T> = Omit<T, Key> & Record<Key, string>;

type PositionRow = StoredPosition & { groupId: number };

function toStream({ options, lanes, ...rest }: Json<StoredStream, 'options' | 'lanes'>): StoredStream {
  return { ...rest, options: JSON.parse(options), lanes: JSON.parse(lanes) };
}

function toSchedule({ definition, ...rest }: Json<StoredSchedule, 'definition'>): StoredSchedule {
  return { ...rest, definition: JSON.parse(definition) };
}

function toGroups(
  rows: readonly Omit<Json<StoredGroup, 'policy'>, 'positions'>[],
  positions: readonly PositionRow[],
): StoredGroup[] {
  const byGroup = Map.groupBy(positions, ({ groupId }) => groupId);
  return rows.map(({ policy, ...rest }) => {
    const ofGroup = byGroup.get(rest.id) ?? [];
    return {
      ...rest,
      policy: JSON.parse(policy),
      positions: ofGroup.map(({ groupId: _, ...position }) => position),
    };
  });
}

const STREAMS =
  'SELECT id, name, options, created_at AS createdAt, next_sequence AS nextSequence, ' +
  'first_sequence AS firstSequence, messages, bytes, last_time AS lastTime, lanes FROM streams ORDER BY id';
const GROUPS =
  'SELECT id, stream_id AS streamId, name, created_at AS createdAt, policy FROM groups ORDER BY id';
const POSITIONS =
  'SELECT group_id AS groupId, lane, ack_floor AS ackFloor, read_position AS readPosition, ordinal FROM positions ' +
  'ORDER BY group_id, lane';
const WINDOWS =
  'SELECT group_id AS groupId, lane, window, format, state FROM windows WHERE group_id IN (SELECT id FROM groups) ' +
  'ORDER BY group_id, lane, window';
const DEDUP =
  'SELECT stream_id AS streamId, time, ids FROM dedup WHERE stream_id IN (SELECT id FROM streams) ' +
  'ORDER BY stream_id, time, chunk';
const SCHEDULES = 'SELECT name, stream, definition, data, next_at AS nextAt FROM schedules ORDER BY name';
const LAST_DELAYED_ID =
  "SELECT max((SELECT value FROM meta WHERE name = 'last_delayed_id'), " +
  '(SELECT coalesce(max(last_delayed_id), 0) FROM streams))';
const FAILING_GROUPS =
  'SELECT id FROM groups WHERE EXISTS (SELECT 1 FROM failures WHERE failures.group_id = groups.id) ORDER BY id';
