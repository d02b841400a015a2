import type { Store, StoredStream, StoreTransaction } from '../../src/store/store.ts';
import type { Batch } from '../../src/stream/batch.ts';

/** A transaction without parts, to be spread. */
export const NOTHING: StoreTransaction = {
  deletedStreams: [],
  createdStreams: [],
  updatedStreams: [],
  batches: [],
  streams: [],
  deletedGroups: [],
  groups: [],
  windows: [],
  droppedWindows: [],
  removals: [],
  producers: [],
  forgottenProducers: [],
  delayed: [],
  removedDelayed: [],
  failures: [],
  droppedFailures: [],
  dedup: [],
  droppedDedup: [],
  schedules: [],
  deletedSchedules: [],
  clockOffsetMs: [],
  clockSteadyMs: [],
};

export function newStream(id: number, name = `stream-${id}`): StoredStream {
  return {
    id,
    name,
    options: { storage: 'file', retention: 'work' },
    createdAt: 1_700_000_000_123,
    nextSequence: 1,
    firstSequence: 1,
    messages: 0,
    bytes: 0,
    lastTime: 0,
    lanes: [{ ordinal: 0, end: 1 }],
  };
}

export function inLane(
  streamId: number,
  lane: number,
  batches: readonly Batch[],
): StoreTransaction['batches'] {
  return batches.map((batch) => ({ streamId, lane, batch }));
}

export async function withStore<T>(store: Store, act: (store: Store) => Promise<T>): Promise<T> {
  try {
    return await act(store);
  } finally {
    await store.close();
  }
}
