import { MessageChannel } from 'node:worker_threads';
import { COUNTERS, REPLIES, REQUESTS_TAKEN, type StorageRequest } from '../../src/store/sqlite/messages.ts';
import { connectStore, type StorageThread } from '../../src/store/sqlite/sqlite-store.ts';
import { openService } from '../../src/store/sqlite/storage-service.ts';
import type { Store } from '../../src/store/store.ts';

export interface InProcessStore {
  readonly store: Store;
  /** Lets go of the files, if it was not closed. */
  abandon(): void;
}

/**
 * A store on a data folder whose storage thread is this one: a thread takes longer to start than all that is asked of it.
 *
 * @throws StorageFailed as a thread's would be
 */
export async function openInProcess(folder: string): Promise<InProcessStore> {
  const { port1, port2 } = new MessageChannel();
  const counters = new Int32Array(new SharedArrayBuffer(COUNTERS * Int32Array.BYTES_PER_ELEMENT));
  const connecting = connectStore({ worker: NO_WORKER, port: port1, counters });
  const service = openService({ folder }, (message, transfer = []) => {
    port2.postMessage(message, transfer);
    Atomics.add(counters, REPLIES, 1);
  });
  let isOpen = service !== undefined;
  port2.on('message', (request: StorageRequest) => {
    Atomics.add(counters, REQUESTS_TAKEN, 1);
    service?.answer(request)?.();
    if (request.type === 'close') isOpen = false;
  });
  const store = await connecting;
  const abandon = (): void => {
    if (isOpen) service?.abandon();
    isOpen = false;
  };
  return { store, abandon };
}

const NO_WORKER: StorageThread['worker'] = {
  on: () => NO_WORKER,
  once: () => NO_WORKER,
  terminate: () => Promise.resolve(0),
} as unknown as StorageThread['worker'];
