import { parentPort, workerData } from 'node:worker_threads';
import { BatchReader } from './batch-reader.ts';
import { Checkpoints } from './checkpoints.ts';
import { type DatabaseOptions, openDatabase } from './database.ts';
import type { StorageReply, StorageRequest } from './messages.ts';
import { readSnapshot } from './snapshot-reader.ts';
import { TransactionWriter } from './transaction-writer.ts';

/**
 * The thread that owns the database: one connection, one request after the other. A reply 'committed' is posted after
 * SQLite's COMMIT has returned, which is after the write-ahead log was synced.
 */
function main(): void {
  const port = parentPort!;
  const reply = (message: StorageReply, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  let handle: (request: StorageRequest) => void;
  try {
    handle = serve(workerData as DatabaseOptions, reply);
  } catch (error) {
    reply({ type: 'refused', message: (error as Error).message });
    port.close();
    return;
  }
  port.on('message', (request: StorageRequest) => {
    try {
      handle(request);
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      reply({
        type: code === 'SQLITE_FULL' ? 'full' : 'failed',
        id: request.id,
        message: `${message} (${code})`,
      });
    }
  });
}

function serve(
  options: DatabaseOptions,
  reply: (message: StorageReply, transfer?: ArrayBuffer[]) => void,
): (request: StorageRequest) => void {
  const database = openDatabase(options);
  const snapshot = readSnapshot(database);
  const writer = new TransactionWriter(database);
  const reader = new BatchReader(database);
  const checkpoints = new Checkpoints(database);
  reply({ type: 'opened', snapshot });
  return (request) => {
    switch (request.type) {
      case 'commit': {
        const written = writer.apply(request.commit);
        reply({ type: 'committed', id: request.id, removed: written.removed });
        checkpoints.committed(written);
        break;
      }
      case 'read': {
        const rows = reader.read(request.streamId, request.from, request.bytesMax);
        reply(
          { type: 'rows', id: request.id, rows },
          rows.map(({ data }) => data.buffer),
        );
        break;
      }
      case 'close':
        checkpoints.stop();
        database.close();
        reply({ type: 'closed', id: request.id });
        parentPort!.close();
    }
  };
}

main();
