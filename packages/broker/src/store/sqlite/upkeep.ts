import type { Checkpoints } from './checkpoints.ts';
import { readable } from './damage-error.ts';
import { FreeSpace } from './free-space.ts';
import { isFull, type JournaledDatabase } from './journaled-database.ts';
import { SegmentSweep } from './segment-sweep.ts';

/** How long after a commit it is looked whether there is anything to do. */
const LOOK_MS = 500;
/** With no more commits than this the disk has time for what can wait. */
const QUIET_COMMITS_PER_S = 20;
/** After a step, times as long as that took are left to others. */
const PAUSE_QUIET = 1;
const PAUSE_BUSY = 9;

/**
 * What is done between commits, a step at a time: the rows of what was deleted or is done with are removed and segments
 * of the journal are emptied, always, and the space that is free is given back when it is quiet.
 */
export class Upkeep {
  readonly #storage: JournaledDatabase;
  readonly #sweep: SegmentSweep;
  readonly #freeSpace: FreeSpace;
  readonly #checkpoints: Checkpoints;
  #commits = 0;
  #lookedAt: number = performance.now();
  #dueAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(storage: JournaledDatabase, checkpoints: Checkpoints) {
    this.#storage = storage;
    this.#sweep = new SegmentSweep(storage);
    this.#freeSpace = new FreeSpace(storage, checkpoints);
    this.#checkpoints = checkpoints;
    // What the last run left undone.
    this.#schedule(LOOK_MS);
  }

  /** Whether a timer waits for the thread to look at its timers. */
  get isDue(): boolean {
    return performance.now() >= this.#dueAt;
  }

  /** To be called after each commit. */
  committed(hasDoomed: boolean): void {
    this.#commits++;
    if (hasDoomed) this.#schedule(0);
    else this.wake();
  }

  /** Looks soon whether there is anything to do, if it would not look anyway. */
  wake(): void {
    if (this.#timer === undefined) this.#schedule(LOOK_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #schedule(delayMs: number): void {
    const dueAt = performance.now() + delayMs;
    if (dueAt >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#timer = setTimeout(() => this.#look(), delayMs).unref();
  }

  #look(): void {
    this.#timer = undefined;
    this.#dueAt = Number.POSITIVE_INFINITY;
    const startedAt = performance.now();
    const hadCommits = this.#commits > 0;
    const isQuiet = this.#commits * 1000 <= QUIET_COMMITS_PER_S * (startedAt - this.#lookedAt);
    this.#commits = 0;
    this.#lookedAt = startedAt;
    let isMore = false;
    let isSweeping = false;
    try {
      isSweeping = this.#sweepSegments();
      isMore = this.#removeDoomed() || this.#removeFailures() || isSweeping || (isQuiet && this.#giveBack());
    } catch (error) {
      // There was no room for it now; what frees some are commits.
      if (!isFull(error)) throw readable(error, this.#storage.folder);
    }
    const tookMs = performance.now() - startedAt;
    if (isMore) this.#schedule(tookMs * (isQuiet ? PAUSE_QUIET : this.#pauseBusy(isSweeping)));
    else if (hadCommits) this.#schedule(LOOK_MS);
  }

  /** While segments are emptied, shorter the more there is to be emptied: half of the time is left to others then too. */
  #pauseBusy(isSweeping: boolean): number {
    return isSweeping ? Math.max(PAUSE_QUIET, PAUSE_BUSY / Math.max(1, this.#sweep.pressure)) : PAUSE_BUSY;
  }

  #removeDoomed(): boolean {
    const { doomed } = this.#storage;
    if (!doomed.hasAny) return false;
    const { rows, isMore } = this.#storage.write(() => doomed.step());
    if (rows > 0) this.#checkpoints.worked();
    return isMore;
  }

  #removeFailures(): boolean {
    const { failures } = this.#storage;
    if (!failures.hasLeft) return false;
    const rows = this.#storage.write(() => failures.step());
    if (rows > 0) this.#checkpoints.worked();
    return failures.hasLeft;
  }

  #sweepSegments(): boolean {
    const bytes = this.#sweep.step();
    if (bytes !== undefined) this.#checkpoints.committed(bytes);
    return bytes !== undefined;
  }

  #giveBack(): boolean {
    this.#storage.tidy();
    return this.#freeSpace.step();
  }
}
