import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export const MIB = 2 ** 20;
/** A collection of the largest heap of these curves, and what else ends when the work does. */
const SETTLE_MS = 600;
/** Two brokers that did the same may differ by so much. */
const NOISE_BYTES: number = 8 * MIB;
const LOOK_MS = 100;

/** Linux only. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const resident = /VmRSS:\s+(\d+) kB/.exec(status)?.[1];
  if (resident === undefined) throw new Error(`the process ${pid} has ended`);
  return Number(resident) * 1_024;
}

/** The resident memory of this benchmark's broker after a garbage collection. */
export async function settledBytes(pid: number): Promise<number> {
  process.kill(pid, 'SIGUSR2');
  await sleep(SETTLE_MS);
  return residentBytes(pid);
}

/** The largest resident memory of a process during some work, looked at ten times a second. */
export async function peakDuring<R>(
  pid: number,
  work: () => Promise<R>,
): Promise<{ result: R; peakBytes: number }> {
  let peakBytes = 0;
  const look = async (): Promise<void> => {
    // A process that has ended fails the work, which tells more.
    peakBytes = Math.max(peakBytes, await residentBytes(pid).catch(() => 0));
  };
  const timer = setInterval(look, LOOK_MS);
  try {
    const result = await work();
    await look();
    return { result, peakBytes };
  } finally {
    clearInterval(timer);
  }
}

/** What each of `count` added; undefined where all of them together are lost in the noise. */
export function bytesOfEach(before: number, after: number, count: number): number | undefined {
  return after - before < NOISE_BYTES ? undefined : (after - before) / count;
}
