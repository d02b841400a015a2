import { Worker } from 'node:worker_threads';

/** Timers of Node.js are late by up to a millisecond; a thread that sleeps is late by some microseconds. */
const THREAD = `
  const { parentPort, workerData } = require('node:worker_threads');
  const never = new Int32Array(new SharedArrayBuffer(4));
  const now = () => Number(process.hrtime.bigint()) / 1e6;
  const start = now();
  for (let tick = 1; tick <= workerData.ticks; tick++) {
    const due = start + tick * workerData.tickMs;
    const left = due - now();
    if (left > 0) Atomics.wait(never, 0, 0, left);
    parentPort.postMessage(due);
  }
`;

/**
 * Calls `onTick` so many times, at even intervals whatever the process does; a late tick does not move the others. Each
 * is told when it was due, by sharedNow().
 */
export async function metronome(
  ticks: number,
  tickMs: number,
  onTick: (dueMs: number) => void,
): Promise<void> {
  const worker = new Worker(THREAD, { eval: true, workerData: { ticks, tickMs } });
  worker.on('message', onTick);
  await new Promise((resolve) => worker.once('exit', resolve));
}
