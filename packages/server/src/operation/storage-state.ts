import type { StoreHealth, StoreWait } from '@simplemq/broker';
import type { Settings } from '../settings/settings.ts';

/** What the storage is at, when it has been silent for longer than it may. */
export function silenceOf({ waiting }: StoreHealth, { storage }: Settings): StoreWait | undefined {
  return waiting !== undefined && waiting.silentMs >= storage.slowAfterMs ? waiting : undefined;
}
