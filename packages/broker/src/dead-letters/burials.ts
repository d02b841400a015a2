import type { Committer } from '../commit/committer.ts';
import type { Death, Group } from '../group/group.ts';
import type { Batch } from '../stream/batch.ts';
import type { Stream } from '../stream/stream.ts';
import type { Failures } from './failures.ts';
import { letterOf } from './letter.ts';

/** Messages that are buried in one commit, at the most. */
const MESSAGES_MAX = 1_000;
/** After a storage that was full, the next try. */
const RETRY_MS = 1_000;

export interface BurialsOptions {
  readonly committer: Committer;
  readonly failures: Failures;
  /** The dead-letter stream of a stream, made if it is missing. */
  readonly deadStreamOf: (stream: Stream) => Stream;
  readonly onBuried: (group: Group, messages: number) => void;
  readonly onFailed: (error: unknown) => void;
}

interface Job {
  readonly group: Group;
  readonly death: Death;
  /** Of the group when they died: what began anew since is not dead. */
  readonly resets: number;
  readonly resolve: (isBuried: boolean) => void;
}

/** What is needed to bury a job's messages: those whose batches are gone need no burial. */
interface Prepared {
  readonly job: Job;
  readonly batches: readonly Batch[];
  readonly failures: Awaited<ReturnType<Failures['of']>>;
}

/**
 * Moves messages to the dead letters.
 *
 * Invariant: a message leaves the pending entry list in the transaction that stores its dead letter; until then it is
 * pending, and so comes here again after a crash.
 */
export class Burials {
  readonly #options: BurialsOptions;
  readonly #jobs: Job[] = [];
  #isBusy = false;
  #isClosed = false;
  #retry: NodeJS.Timeout | undefined;
  readonly #whenIdle: (() => void)[] = [];

  constructor(options: BurialsOptions) {
    this.#options = options;
  }

  /** @returns true when the messages are in the dead letters, or gone with their stream or group; false at the end */
  bury(group: Group, death: Death): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const { resets } = group;
    for (let first = death.first; first <= death.last; first += MESSAGES_MAX) {
      const last = Math.min(death.last, first + MESSAGES_MAX - 1);
      const isLast = last === death.last;
      const job = { group, resets, death: { ...death, first, last } };
      this.#jobs.push({ ...job, resolve: isLast ? resolve : () => {} });
    }
    if (!this.#isBusy && this.#retry === undefined) void this.#work();
    return promise;
  }

  /** Resolves when what has died by now is buried, or has to wait for room. */
  whenIdle(): Promise<void> {
    if (!this.#isBusy) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#abandon(this.#jobs.splice(0));
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    try {
      while (this.#jobs.length > 0 && !this.#isClosed) await this.#next();
    } catch (error) {
      if ((error as { code?: string }).code === 'StorageFull') this.#retryLater();
      else if (!this.#isClosed) this.#options.onFailed(error);
    }
    if (this.#isClosed) this.#abandon(this.#jobs.splice(0));
    this.#isBusy = false;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  async #next(): Promise<void> {
    const jobs = this.#takeJobs();
    // How they failed has to be in the store to be read; of what dies meanwhile it may not be yet.
    const prepared = await this.#prepareAll(jobs);
    if (this.#isClosed) return this.#abandon(jobs);
    const { open } = this.#options.committer;
    const buried = prepared.map((item) => this.#bury(item));
    open.undo.push(() => {
      for (const { undo } of buried) undo();
      this.#jobs.unshift(...jobs);
    });
    try {
      await this.#options.committer.stored();
    } catch (error) {
      if ((error as { code?: string }).code !== 'StorageFull') this.#abandon(jobs);
      throw error;
    }
    buried.forEach(({ messages }, index) => {
      const { group, resolve } = jobs[index]!;
      if (messages > 0) this.#options.onBuried(group, messages);
      resolve(true);
    });
  }

  /** Their messages are still pending, and die again when the broker is there again. */
  #abandon(jobs: readonly Job[]): void {
    for (const { resolve } of jobs) resolve(false);
  }

  async #prepareAll(jobs: readonly Job[]): Promise<Prepared[]> {
    try {
      await this.#options.committer.settled();
      return await Promise.all(jobs.map((job) => this.#prepare(job)));
    } catch (error) {
      this.#jobs.unshift(...jobs);
      throw error;
    }
  }

  #takeJobs(): Job[] {
    let messages = 0;
    let count = 0;
    while (count < this.#jobs.length && messages < MESSAGES_MAX) {
      const { death } = this.#jobs[count++]!;
      messages += death.last - death.first + 1;
    }
    return this.#jobs.splice(0, count);
  }

  async #prepare(job: Job): Promise<Prepared> {
    const { group, death } = job;
    const { log } = death.lane.lane;
    const batches: Batch[] = [];
    for (let sequence = death.first; sequence <= death.last; ) {
      const batch = log.find(sequence) ?? (await log.peek(sequence));
      if (batch === undefined || batch.first > death.last) break;
      batches.push(batch);
      sequence = batch.last + 1;
    }
    return { job, batches, failures: await this.#options.failures.of(group, death) };
  }

  /** Puts the dead letters into the open transaction. */
  #bury({ job, batches, failures }: Prepared): { messages: number; undo: () => void } {
    const { group, death, resets } = job;
    if (group.isClosed || group.resets !== resets) return { messages: 0, undo: () => {} };
    const { spans, undo } = group.buried(death.lane, death);
    const dead = this.#options.deadStreamOf(group.stream as Stream);
    const lane = dead.lane(0);
    const { open } = this.#options.committer;
    let messages = 0;
    for (const { first, last } of spans) {
      for (let sequence = first; sequence <= last; sequence++) {
        const batch = batches.find((candidate) => candidate.first <= sequence && sequence <= candidate.last);
        if (batch === undefined) continue;
        const ofMessage = failures.filter((failure) => failure.first <= sequence && sequence <= failure.last);
        // A row for each, so that one can be redriven or deleted by itself.
        open.separate(lane);
        open.append(dead, lane, letterOf(group, death, sequence, batch, ofMessage), dead.takeTime());
        messages++;
      }
    }
    open.separate(lane);
    return { messages, undo };
  }

  #retryLater(): void {
    if (this.#isClosed) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.#work();
    }, RETRY_MS).unref();
  }
}
