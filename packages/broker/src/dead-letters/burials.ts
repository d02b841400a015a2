import type { RecordBatch } from '@simplemq/protocol';
import type { Committer } from '../commit/committer.ts';
import type { Death, Group } from '../group/group.ts';
import type { Batch } from '../stream/batch.ts';
import type { Stream } from '../stream/stream.ts';
import type { Failures } from './failures.ts';
import { letterOf } from './letter.ts';

/** Messages that are buried in one commit, at the most. */
const MESSAGES_MAX = 1_000;
/** And bytes of their dead letters, past which none is added; of what is read for them too. */
const BYTES_MAX: number = 8 * 1024 * 1024;
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

/** What the dead letters of a job's messages up to `last` are made of: those whose batches are gone need no burial. */
interface Sources {
  readonly job: Job;
  readonly last: number;
  readonly batches: readonly Batch[];
  readonly failures: Awaited<ReturnType<Failures['of']>>;
}

/** A job with its dead letters, by sequence number. */
interface Prepared {
  readonly job: Job;
  readonly letters: ReadonlyMap<number, RecordBatch>;
}

interface Buried {
  readonly messages: number;
  readonly undo: () => void;
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
    const taken = this.#takeJobs();
    // How they failed has to be in the store to be read; of what dies meanwhile it may not be yet.
    const { prepared, left } = await this.#prepareAll(taken);
    if (this.#isClosed) return this.#abandon(taken);
    this.#jobs.unshift(...left);
    const jobs = prepared.map(({ job }) => job);
    const { committer } = this.#options;
    let buried: readonly Buried[] = [];
    const place = (): void => {
      const placed = prepared.map((item) => this.#bury(item));
      committer.open.undo.push(() => {
        for (const { undo } of placed) undo();
      });
      buried = placed;
    };
    try {
      await committer.moved(place);
    } catch (error) {
      if ((error as { code?: string }).code === 'StorageFull') this.#jobs.unshift(...jobs);
      else this.#abandon(jobs);
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

  /** As many of the jobs as one commit has room for, of the last one perhaps a part; and what is left of them. */
  async #prepareAll(jobs: readonly Job[]): Promise<{ prepared: readonly Prepared[]; left: readonly Job[] }> {
    const prepared: Prepared[] = [];
    const left = [...jobs];
    try {
      await this.#options.committer.settled();
      for (let room = BYTES_MAX; room > 0 && left.length > 0; ) {
        const sources = await Promise.all(together(left).map((job) => this.#read(job, room)));
        for (const source of sources) {
          if (room <= 0) break;
          const { letters, bytes, last } = write(source, room);
          const job = left.shift()!;
          const isWhole = last === job.death.last;
          const [part, rest] = isWhole ? [job] : split(job, last);
          prepared.push({ job: part, letters });
          if (rest !== undefined) left.unshift(rest);
          // What comes behind the rest waits with it.
          room = isWhole ? room - bytes : 0;
        }
      }
    } catch (error) {
      this.#jobs.unshift(...jobs);
      throw error;
    }
    return { prepared, left };
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

  /** @param bytesMax the batch that reaches this is the last that is read */
  async #read(job: Job, bytesMax: number): Promise<Sources> {
    const { group, death } = job;
    const { log } = death.lane.lane;
    const batches: Batch[] = [];
    let { last } = death;
    let bytes = 0;
    for (let sequence = death.first; sequence <= death.last; ) {
      if (bytes >= bytesMax) {
        last = sequence - 1;
        break;
      }
      const batch = log.find(sequence) ?? (await log.peek(sequence));
      if (batch === undefined || batch.first > death.last) break;
      batches.push(batch);
      bytes += batch.bytes;
      sequence = batch.last + 1;
    }
    return { job, last, batches, failures: await this.#options.failures.of(group, { ...death, last }) };
  }

  /** Puts the dead letters into the open transaction. */
  #bury({ job, letters }: Prepared): Buried {
    const { group, death, resets } = job;
    if (group.isClosed || group.resets !== resets) return { messages: 0, undo: () => {} };
    const { spans, undo } = group.buried(death.lane, death);
    const { open } = this.#options.committer;
    open.revocable.add(group);
    const dead = this.#options.deadStreamOf(group.stream as Stream);
    const lane = dead.lane(0);
    let messages = 0;
    for (const { first, last } of spans) {
      for (let sequence = first; sequence <= last; sequence++) {
        const letter = letters.get(sequence);
        if (letter === undefined) continue;
        // A row for each, so that one can be redriven or deleted by itself.
        open.separate(lane);
        open.append(dead, lane, letter, dead.takeTime());
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

/** The first jobs, to be read at the same time: those whose messages are in memory, or one that is not. */
function together(jobs: readonly Job[]): readonly Job[] {
  const apart = jobs.findIndex(({ death: { lane, first, last } }) => {
    const batch = lane.lane.log.find(first);
    return batch === undefined || batch.last < last;
  });
  return apart < 0 ? jobs : jobs.slice(0, Math.max(1, apart));
}

/** The dead letters of a job's messages, up to the one that reaches `bytesMax`, which has the number `last`. */
function write(
  { job, last, batches, failures }: Sources,
  bytesMax: number,
): { letters: ReadonlyMap<number, RecordBatch>; bytes: number; last: number } {
  const { group, death } = job;
  const letters = new Map<number, RecordBatch>();
  let bytes = 0;
  for (const batch of batches) {
    const end = Math.min(batch.last, last);
    for (let sequence = Math.max(batch.first, death.first); sequence <= end; sequence++) {
      if (bytes >= bytesMax) return { letters, bytes, last: sequence - 1 };
      const ofMessage = failures.filter((failure) => failure.first <= sequence && sequence <= failure.last);
      const letter = letterOf(group, death, sequence, batch, ofMessage);
      letters.set(sequence, letter);
      bytes += letter.records.length + letter.shared.length;
    }
  }
  return { letters, bytes, last };
}

/** The messages of a job up to `last`, and the others, for which waits who waits for the job. */
function split(job: Job, last: number): [Job, Job] {
  const { death } = job;
  const part = { ...job, death: { ...death, last }, resolve: () => {} };
  return [part, { ...job, death: { ...death, first: last + 1 } }];
}
