import { MemoryStore } from '../store/memory/memory-store.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import { EmbeddedEngine } from './embedded-engine.ts';
import type { Engine } from './engine.ts';
import type { EngineEvent } from './events.ts';

export interface EngineOptions {
  /** The folder of the database, made if it is missing; or no disk at all. */
  readonly storage: { readonly path: string } | 'memory';
  /** Memory for batches that are on disk too, in bytes. Default 32 MiB. */
  readonly cacheBytesMax?: number;
  /** What messages and the database may take, in bytes; past it publishes are StorageFull. Default: the disk. */
  readonly storageBytesMax?: number;
  /** Default 100,000. */
  readonly maxStreams?: number;
  /** How long a publish sent again is recognized, in ms. Default an hour. */
  readonly producerWindowMs?: number;
  /** Message ids that are remembered at the most, over all streams; each takes about 40 bytes. Default 5,000,000. */
  readonly dedupIdsMax?: number;
  readonly onEvent?: (event: EngineEvent) => void;
}

export const CACHE_BYTES_DEFAULT: number = 32 * 1024 * 1024;
export const STREAMS_MAX_DEFAULT = 100_000;
export const PRODUCER_WINDOW_MS_DEFAULT: number = 60 * 60 * 1000;

export const DEDUP_IDS_MAX_DEFAULT = 5_000_000;

/**
 * Opens the embedded engine.
 *
 * @throws StorageFailed when the folder cannot be used: not writable, in use by another broker, of a newer version
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { storage, storageBytesMax } = options;
  const store =
    storage === 'memory'
      ? new MemoryStore()
      : await openSqliteStore({
          folder: storage.path,
          ...(storageBytesMax && { bytesMax: storageBytesMax }),
        });
  return EmbeddedEngine.open({
    store,
    cacheBytesMax: options.cacheBytesMax ?? CACHE_BYTES_DEFAULT,
    streamsMax: options.maxStreams ?? STREAMS_MAX_DEFAULT,
    producerWindowMs: options.producerWindowMs ?? PRODUCER_WINDOW_MS_DEFAULT,
    dedupIdsMax: options.dedupIdsMax ?? DEDUP_IDS_MAX_DEFAULT,
    onEvent: options.onEvent ?? (() => {}),
  });
}
