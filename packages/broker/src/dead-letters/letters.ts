import {
  type DeadLetterPage,
  GroupNotFound,
  type LettersMoved,
  ServerClosing,
  type SimpleMQError,
} from '@simplemq/protocol';
import type { Committer } from '../commit/committer.ts';
import type { ReadPage } from '../engine/engine.ts';
import { unionOf } from '../group/entry.ts';
import { append, keep } from '../lists.ts';
import type { BatchPart } from '../publish/batch-parts.ts';
import type { Placer } from '../publish/placer.ts';
import type { Batch } from '../stream/batch.ts';
import { laneOf } from '../stream/lane.ts';
import type { Retention } from '../stream/retention.ts';
import type { Stream } from '../stream/stream.ts';
import { doneByAll, type Removal } from '../stream/work-retention.ts';
import { redrivenOf } from './letter.ts';
import { matcherOf } from './letter-filter.ts';

/** Dead letters that one page gives or moves, and that it looks at, at the most. */
const LIMIT_MAX = 1_000;
const LOOKED_AT_MAX = 10_000;
/** And bytes of the letters that it gives or moves: it ends with the one that reaches them. */
const PAGE_BYTES: number = 8 * 1024 * 1024;
const READ_BYTES: number = 1024 * 1024;

/** Matching letters, and where the next page goes on. */
interface Found {
  readonly letters: readonly Batch[];
  readonly after: number;
  readonly more: boolean;
}

/** Looks at dead letters, and takes them away: each is a batch of its own in `$dead.<stream>`. */
export class Letters {
  readonly #committer: Committer;
  readonly #placer: Placer;
  readonly #retention: Retention;
  /** Moves are made one after the other, so that none takes a letter that another is taking. */
  #moving: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(committer: Committer, placer: Placer, retention: Retention) {
    this.#committer = committer;
    this.#placer = placer;
    this.#retention = retention;
  }

  /**
   * @param dead undefined when the stream has no dead letters yet
   * @throws InvalidOption
   */
  async list(dead: Stream | undefined, page: DeadLetterPage): Promise<ReadPage> {
    const { letters, after, more } = await this.#find(dead, page);
    const runs = letters.map(({ first, count, time, flags, shared, records }) => {
      return { first, count, time, flags, shared, records };
    });
    return { runs, next: after + 1, more };
  }

  /** @throws InvalidOption, GroupNotFound when the group of one of them is gone, StreamFull */
  redrive(stream: Stream, dead: Stream | undefined, page: DeadLetterPage): Promise<LettersMoved> {
    return this.#alone(dead, async () => {
      const found = await this.#find(dead, page);
      return this.#take(found, dead, (letters) => {
        const parts = letters.map((letter) => this.#redriven(stream, letter));
        this.#placer.checkRoom(stream, parts);
        this.#placer.place(this.#committer.open, stream, parts);
      });
    });
  }

  /** @throws InvalidOption */
  delete(dead: Stream | undefined, page: DeadLetterPage): Promise<LettersMoved> {
    return this.#alone(dead, async () => this.#take(await this.#find(dead, page), dead, () => {}));
  }

  /** What is not under way to the store is not done any more. */
  close(): void {
    this.#isClosed = true;
  }

  #alone<T>(dead: Stream | undefined, work: () => Promise<T>): Promise<T> {
    // What a trim counts is what there is, so none is under way meanwhile.
    const alone = (): Promise<T> => (dead === undefined ? work() : this.#retention.alone(dead, work));
    const done = this.#moving.then(alone, alone).catch((error) => {
      throw this.#isClosed ? closing() : error;
    });
    this.#moving = done.catch(() => {});
    return done;
  }

  /** Takes letters out of their stream and the books of its groups, in the transaction that `alongside` adds to. */
  async #take(
    { letters: found, after, more }: Found,
    dead: Stream | undefined,
    alongside: (letters: readonly Batch[]) => void,
  ): Promise<LettersMoved> {
    if (this.#isClosed) throw closing();
    let messages = 0;
    if (dead !== undefined && found.length > 0) {
      await this.#committer.moved(() => {
        // What followers of the dead letters have acked meanwhile is gone.
        const letters = found.filter((letter) => !isDone(dead, letter));
        messages = letters.length;
        if (messages > 0) this.#takeOut(letters, dead, alongside);
      });
    }
    return { messages, after, more };
  }

  #takeOut(letters: readonly Batch[], dead: Stream, alongside: (letters: readonly Batch[]) => void): void {
    alongside(letters);
    const { open } = this.#committer;
    const messages = letters.length;
    const removals = letters.map(({ first, last }) => ({ stream: dead, lane: 0, first, last }));
    append(open.removals, removals);
    open.touched.add(dead);
    dead.messages -= messages;
    const groups = [...dead.groups.values()];
    for (const group of groups) open.revocable.add(group);
    const unstrike = groups.flatMap((group) => unionOf(letters).map((span) => group.strike(0, span)));
    open.undo.push(() => {
      dead.messages += messages;
      for (const revive of unstrike) revive();
      const undone = new Set<Removal>(removals);
      keep(open.removals, (removal) => !undone.has(removal));
    });
  }

  #redriven(stream: Stream, letter: Batch): BatchPart {
    const { letter: dead, batch, priority } = redrivenOf(letter);
    if (stream.groups.has(dead.group)) return { index: 0, batch, lane: laneOf(priority) };
    throw new GroupNotFound(
      `the dead letter ${letter.first} of '${stream.name}' is of the group '${dead.group}', which is gone: create it ` +
        'again, or redrive by group',
      { details: { stream: stream.name, group: dead.group } },
    );
  }

  async #find(
    dead: Stream | undefined,
    { filter = {}, after = 0, limit = LIMIT_MAX }: DeadLetterPage,
  ): Promise<Found> {
    const matches = matcherOf(filter);
    const letters: Batch[] = [];
    let at = after;
    let lookedAt = 0;
    let bytes = 0;
    const most = Math.min(limit, LIMIT_MAX);
    while (dead !== undefined && at + 1 < dead.durableNext) {
      const run = await dead.lane(0).log.read(at + 1, READ_BYTES);
      if (run.length === 0) break;
      for (const letter of run) {
        const isFull = letters.length === most || bytes >= PAGE_BYTES;
        if (isFull || lookedAt === LOOKED_AT_MAX) return { letters, after: at, more: true };
        lookedAt++;
        at = letter.last;
        if (!matches(letter)) continue;
        letters.push(letter);
        bytes += letter.bytes;
      }
    }
    return { letters, after: at, more: false };
  }
}

function closing(): SimpleMQError {
  return new ServerClosing('the broker stopped before the dead letters were moved');
}

/** Whether all groups of the dead letters are done with it. */
function isDone(dead: Stream, { first, last }: Batch): boolean {
  return dead.isWork && doneByAll(dead, 0, [{ first, last }], undefined).length > 0;
}
