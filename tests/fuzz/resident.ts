import { readFile } from 'node:fs/promises';
import type { SpawnedBroker } from '@simplemq/testkit';

/** Resident memory of a broker's process, in MB; Linux only. */
export async function residentMb({ pid }: SpawnedBroker): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024);
}
