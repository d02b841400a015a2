import type { Restored, RestoreOptions } from '@simplemq/broker';

/** See restoreBackup of the broker, which is loaded only now: a server that was given its engine needs none. */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const broker = await import('@simplemq/broker');
  return broker.restoreBackup(options);
}
