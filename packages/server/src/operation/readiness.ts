import type { StoreHealth } from '@simplemq/broker';
import type { Health } from '@simplemq/protocol';
import type { Settings } from '../settings/settings.ts';
import { silenceOf } from './storage-state.ts';

/** Whether a server is ready, and if not, why in one line. */
export function readinessOf(
  storage: StoreHealth,
  settings: Settings,
  isDraining: boolean,
): Pick<Health, 'state' | 'reason'> {
  if (isDraining) return { state: 'draining', reason: 'the server is shutting down' };
  const silence = silenceOf(storage, settings);
  if (silence !== undefined) {
    const seconds = Math.round(silence.silentMs / 1_000);
    return {
      state: 'storageSlow',
      reason: `the storage has not answered for ${seconds} s; it is at: ${silence.doing}`,
    };
  }
  if (storage.isFull) return { state: 'storageFull', reason: 'the storage is full: publishes are refused' };
  return { state: 'ready' };
}
