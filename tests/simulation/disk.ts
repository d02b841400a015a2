import type { StoreCommitted, StoreTransaction } from '../../packages/broker/src/store/store.ts';
import { readBack } from '../../packages/broker/test/batches.ts';
import { ModelStore } from '../../packages/broker/test/store/model-store.ts';

/** A message that a commit brought to a stream. */
export interface StoredMessage {
  readonly streamId: number;
  readonly stream: string;
  readonly sequence: number;
  readonly lane: number;
  /** When the broker took it in, by the wall clock. */
  readonly time: number;
  readonly record: ReturnType<typeof readBack>[number];
}

/** Who looks on as commits are applied. */
export interface DiskWatcher {
  /** A stream is gone; another may have its id. */
  deleted(streamId: number): void;
  stored(message: StoredMessage): void;
  /** The old end of a stream has moved. */
  trimmed(streamId: number, stream: string, from: number, to: number): void;
}

/** What survives a crash: a commit is on it as a whole or not at all. */
export class Disk {
  readonly model: ModelStore = new ModelStore();
  readonly #watcher: DiskWatcher;

  constructor(watcher: DiskWatcher) {
    this.#watcher = watcher;
  }

  apply(transaction: StoreTransaction): StoreCommitted {
    const moved = transaction.streams.flatMap(({ id, firstSequence: to }) => {
      const stream = this.model.streams.get(id);
      const from = stream?.firstSequence ?? to;
      return stream !== undefined && from < to ? [{ id, name: stream.name, from, to }] : [];
    });
    const committed = this.model.apply(transaction);
    for (const id of transaction.deletedStreams) this.#watcher.deleted(id);
    for (const { streamId, lane, batch } of transaction.batches) {
      const stream = this.model.streams.get(streamId)?.name ?? '';
      let sequence = batch.first;
      for (const record of readBack(batch)) {
        this.#watcher.stored({ streamId, stream, sequence: sequence++, lane, time: batch.time, record });
      }
    }
    for (const { id, name, from, to } of moved) this.#watcher.trimmed(id, name, from, to);
    return committed;
  }

  /** The stream of that name; of two, the one that came later. */
  stream(name: string): { id: number; nextSequence: number; firstSequence: number } | undefined {
    let found: { id: number; nextSequence: number; firstSequence: number } | undefined;
    for (const stream of this.model.streams.values()) if (stream.name === name) found = stream;
    return found;
  }
}
