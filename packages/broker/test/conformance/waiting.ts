import { setTimeout as sleep } from 'node:timers/promises';

/** How often something is looked at that tells of itself to nobody. */
const LOOK_MS = 10;

/** Settles when `isSo` holds; for what an engine does by itself. The time limit of the test ends what never comes. */
export async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(LOOK_MS);
}

/** Lets at least so much time pass by every clock that an engine may go by. */
export async function pass(ms: number): Promise<void> {
  const until = Date.now() + ms;
  await sleep(ms);
  while (Date.now() < until) await sleep(1);
}

/** Milliseconds since it was made. */
export class Stopwatch {
  readonly #startedAt = performance.now();

  get ms(): number {
    return performance.now() - this.#startedAt;
  }
}
