import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { PassedMemory } from '../../garbage.ts';
import {
  A_REQUEST,
  isAwaited,
  REPLIES,
  REQUESTS,
  REQUESTS_TAKEN,
  type StorageRequest,
  type StorageThreadData,
  TAKEN_MS,
} from './messages.ts';
import { Spin } from './spin.ts';
import { openService, type Reply } from './storage-service.ts';

/** For so long the thread waits for the next request where it is woken soonest; in ms. */
const DOZE_MS = 50;
/** Who awaits one message after the other sends the next within about this time, in ms. */
const NEXT_COMMIT_MS = 0.25;

/**
 * The thread that owns the journal and the database: one request after the other. A reply 'committed' is posted after
 * the journal was synced. The main thread ends it once it has the last reply.
 */
function main({ database, port, counters, collects }: StorageThreadData): void {
  const reply: Reply = (message, transfer = []) => {
    port.postMessage(message, transfer);
    Atomics.add(counters, REPLIES, 1);
  };
  // Open for as long as the thread is to live: what was posted on a closed port may not arrive.
  port.ref();
  const service = openService(database, reply);
  if (service === undefined) return;
  const passed = collects ? new PassedMemory() : undefined;
  const spin = new Spin(counters, A_REQUEST, NEXT_COMMIT_MS, TAKEN_MS);
  port.on('message', (first: StorageRequest) => {
    let request: StorageRequest | undefined = first;
    while (request !== undefined) {
      Atomics.add(counters, REQUESTS_TAKEN, 1);
      const seen = spin.see();
      const isFollowed = request.type === 'commit' && isAwaited(request.commit);
      // What fails after the answer fails the thread.
      service.answer(request)?.();
      passed?.look();
      // Its timers are looked at when there is nothing to do; what comes then brings the thread back here.
      if (request.type === 'close' || service.isUpkeepDue()) return;
      request = take(port);
      if (request !== undefined) continue;
      const isThere = isFollowed && spin.wait(seen);
      if (isThere || Atomics.wait(counters, REQUESTS, seen.done, DOZE_MS) !== 'timed-out')
        request = take(port);
    }
  });
}

function take(port: StorageThreadData['port']): StorageRequest | undefined {
  return receiveMessageOnPort(port)?.message as StorageRequest | undefined;
}

main(workerData as StorageThreadData);
