import type { Committer } from '../commit/committer.ts';
import { messagesOf, unionOf } from '../group/entry.ts';
import type { Store } from '../store/store.ts';
import type { Lane } from './lane.ts';
import type { Stream } from './stream.ts';
import { pendingWithin, readByAll, startOf } from './work-retention.ts';

/** Streams with a maxAge are looked at this often. */
const LOOK_MS = 1_000;

/** Where a lane is at the sequence number up to which a stream is trimmed. */
interface LaneCut {
  readonly lane: Lane;
  /** Of the first message that stays. */
  readonly ordinal: number;
  /** How many messages go that stay whatever groups do: all, or in a work stream those that are no group's. */
  readonly unowned: number;
}

/**
 * Trims streams from their old end: purges, age, and the limits of streams that drop their oldest.
 *
 * Invariant: one trim of a stream is under way at a time; where it goes to is known before anything changes, and then
 * it changes at once, in one transaction.
 */
export class Retention {
  readonly #store: Store;
  readonly #committer: Committer;
  readonly #streams: () => Iterable<Stream>;
  readonly #onFailed: (error: unknown) => void;
  readonly #busy = new Map<Stream, Promise<unknown>>();
  /** Those that may be over their limits when the trim that is under way has ended. */
  readonly #overAgain = new Set<Stream>();
  /** Nothing that a stream has was taken in before then, as far as is known. */
  readonly #oldestAt = new WeakMap<Stream, number>();
  readonly #timer: NodeJS.Timeout;
  #isClosed = false;

  constructor(options: {
    store: Store;
    committer: Committer;
    streams: () => Iterable<Stream>;
    onFailed: (error: unknown) => void;
  }) {
    this.#store = options.store;
    this.#committer = options.committer;
    this.#streams = options.streams;
    this.#onFailed = options.onFailed;
    this.#timer = setInterval(() => this.#lookAtAges(), LOOK_MS).unref();
  }

  /** Removes what comes before a sequence number, or was taken in before a time. @returns how many messages went */
  async purge(stream: Stream, { sequence, time }: { sequence?: number; time?: number }): Promise<number> {
    return this.alone(stream, async () => {
      // What was published before this call is to go too: it has to be durable first.
      await this.#committer.settled();
      const to =
        time === undefined ? (sequence ?? stream.durableNext) : await firstSince(this.#store, stream, time);
      const removed = await this.#trim(stream, Math.min(to, stream.durableNext));
      await this.#committer.settled();
      return removed;
    });
  }

  /** To be called after each commit: a stream that drops its oldest is brought back to its limits. */
  enforce(stream: Stream): void {
    if (stream.settings.overflow !== 'drop-oldest' || !isOver(stream)) return;
    if (this.#busy.has(stream)) this.#overAgain.add(stream);
    else void this.alone(stream, () => this.#toLimits(stream)).catch(this.#onFailed);
  }

  /**
   * Resolves when the stream has been trimmed for all that it took in before this call, so that who looks at it sees it
   * within its limits. Trims for what comes after are not waited for.
   */
  async settled(stream: Stream): Promise<void> {
    // The one that is under way may have begun before the last message came, and is followed by another.
    await this.#busy.get(stream);
    await this.#busy.get(stream);
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  /** Work during which nothing is trimmed of the stream. */
  alone<T>(stream: Stream, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(stream) ?? Promise.resolve();
    const done = before.then(work, work);
    const settled = done.then(
      () => {},
      () => {},
    );
    this.#busy.set(stream, settled);
    void settled.then(() => {
      if (this.#busy.get(stream) !== settled) return;
      this.#busy.delete(stream);
      if (this.#overAgain.delete(stream)) this.enforce(stream);
    });
    return done;
  }

  async #toLimits(stream: Stream): Promise<void> {
    if (stream.isDeleted) return;
    const { maxMessages, maxBytes } = stream.settings;
    const excess = maxMessages > 0 ? stream.messages - maxMessages : 0;
    const from = Math.max(stream.firstSequence, oldestOf(stream));
    let to = from + Math.max(0, excess);
    if (maxBytes > 0 && stream.bytes > maxBytes)
      to = Math.max(to, await this.#front(stream, stream.bytes - maxBytes));
    if (to <= from) return;
    const removed = await this.#trim(stream, Math.min(to, stream.durableNext));
    // Numbers of no message were counted as messages: there may be more to remove.
    if (removed > 0) this.#overAgain.add(stream);
    await this.#committer.settled();
  }

  /** The sequence number after the oldest batches that take so many bytes. */
  async #front(stream: Stream, bytes: number): Promise<number> {
    if (stream.isDurable)
      return (await this.#store.front({ streamId: stream.id, bytes })) ?? stream.durableNext;
    let left = bytes;
    let to = stream.firstSequence;
    while (left > 0) {
      const heads = stream.lanes.flatMap(({ log }) => log.ceiling(to) ?? []);
      const oldest = heads.reduce<(typeof heads)[0] | undefined>(
        (a, b) => (a && a.first < b.first ? a : b),
        undefined,
      );
      if (oldest === undefined) break;
      left -= oldest.bytes;
      to = oldest.last + 1;
    }
    return to;
  }

  /** Removes everything before `to` from the stream and from the books of its groups. @returns how many messages went */
  async #trim(stream: Stream, to: number): Promise<number> {
    if (to <= stream.firstSequence || stream.isDeleted) return 0;
    const start = startOf(stream);
    // How many go of all is known without a look at the first.
    const isAll = to === stream.durableNext;
    const unownedTo = isAll ? 0 : stream.isWork ? Math.min(to, start) : to;
    const isWhole = unownedTo > stream.firstSequence && (await hasNoGaps(stream));
    const cuts = await Promise.all(
      stream.lanes.map(async (lane): Promise<LaneCut> => {
        const [{ ordinal }, unowned] = await Promise.all([
          lane.place(to),
          countOf(lane, stream.firstSequence, unownedTo, isWhole),
        ]);
        return { lane, ordinal, unowned };
      }),
    );
    // The books of groups, which a trim changes too, have been stored for the last time: the next run trims.
    if (this.#isClosed) return 0;
    // Groups may have come or gone meanwhile.
    if (startOf(stream) !== start) return this.#trim(stream, to);
    const messages = isAll ? stream.messages - countSince(cuts) : countBefore(stream, to, cuts);
    const ordinals = new Map(cuts.map(({ lane, ordinal }) => [lane.number, ordinal]));
    stream.firstSequence = to;
    stream.messages = Math.max(0, stream.messages - messages);
    for (const group of stream.groups.values()) group.purge(to, ordinals);
    const { open } = this.#committer;
    open.touched.add(stream);
    for (const { lane } of cuts) open.removals.push({ stream, lane: lane.number, first: 1, last: to - 1 });
    this.#committer.schedule();
    return messages;
  }

  #lookAtAges(): void {
    const now = Date.now();
    for (const stream of this.#streams()) {
      const { maxAgeMs } = stream.settings;
      if (maxAgeMs === 0 || stream.messages === 0 || this.#busy.has(stream)) continue;
      if ((this.#oldestAt.get(stream) ?? 0) + maxAgeMs > now) continue;
      void this.alone(stream, () => this.#dropAged(stream, now - maxAgeMs)).catch(this.#onFailed);
    }
  }

  async #dropAged(stream: Stream, before: number): Promise<void> {
    await this.#trim(stream, await firstSince(this.#store, stream, before));
    const oldest = await Promise.all(stream.lanes.map(({ log }) => log.peek(stream.firstSequence)));
    const times = oldest.flatMap((batch) => batch?.time ?? []);
    this.#oldestAt.set(stream, Math.min(...times, Date.now()));
  }
}

/** The sequence number of the first message that was taken in at a time or later; that of the next without any. */
export async function firstSince(store: Store, stream: Stream, time: number): Promise<number> {
  const places = await Promise.all(stream.lanes.map((lane) => firstOfLaneSince(store, stream, lane, time)));
  return Math.min(stream.durableNext, ...places);
}

/** Infinity when the lane has none. */
async function firstOfLaneSince(
  store: Store,
  stream: Stream,
  { log, number }: Lane,
  time: number,
): Promise<number> {
  if (stream.isDurable) {
    return (await store.seek({ streamId: stream.id, lane: number, time })) ?? Number.POSITIVE_INFINITY;
  }
  let sequence = stream.firstSequence;
  for (let batch = log.ceiling(sequence); batch !== undefined; batch = log.ceiling(sequence)) {
    if (batch.time >= time) return batch.first;
    sequence = batch.last + 1;
  }
  return Number.POSITIVE_INFINITY;
}

function isOver(stream: Stream): boolean {
  const { maxMessages, maxBytes } = stream.settings;
  return (maxMessages > 0 && stream.messages > maxMessages) || (maxBytes > 0 && stream.bytes > maxBytes);
}

/** How many messages have come since the cuts were made. */
function countSince(cuts: readonly LaneCut[]): number {
  return cuts.reduce((messages, { lane, ordinal }) => messages + lane.durableOrdinal - ordinal, 0);
}

/** The lowest sequence number that somebody still needs. */
function oldestOf(stream: Stream): number {
  if (!stream.isWork || startOf(stream) > stream.firstSequence) return stream.firstSequence;
  let oldest = stream.durableNext;
  for (const group of stream.groups.values())
    oldest = Math.min(oldest, group.lowestOpen ?? stream.durableNext);
  return oldest;
}

/** Whether no message from its first to its last is gone, in any of its lanes. */
async function hasNoGaps(stream: Stream): Promise<boolean> {
  const firsts = await Promise.all(stream.lanes.map((lane) => lane.place(stream.firstSequence)));
  const span = stream.lanes.reduce(
    (messages, { durableOrdinal }, index) => messages + durableOrdinal - (firsts[index]?.ordinal ?? 0),
    0,
  );
  return span === stream.messages;
}

/** How many messages the lane has from `from` up to `to` (not included). `isWhole`: none of them is gone. */
async function countOf(lane: Lane, from: number, to: number, isWhole: boolean): Promise<number> {
  if (to <= from) return 0;
  if (!isWhole) return messagesOf(await lane.spans(from, to));
  const [first, end] = await Promise.all([lane.place(from), lane.place(to)]);
  return end.ordinal - first.ordinal;
}

/** How many messages that the stream counts come before `to`. */
function countBefore(stream: Stream, to: number, cuts: readonly LaneCut[]): number {
  const isKeptForAll = !stream.isWork || stream.groups.size === 0;
  return cuts.reduce(
    (messages, cut) => messages + cut.unowned + (isKeptForAll ? 0 : openBefore(stream, to, cut)),
    0,
  );
}

/** How many messages of a lane before `to` that were some group's one of them is not done with. */
function openBefore(stream: Stream, to: number, { lane, ordinal }: LaneCut): number {
  const ledgers = [...stream.groups.values()].flatMap((group) => group.ledger(lane.number) ?? []);
  const { readPosition, ordinal: readOrdinal } = readByAll(ledgers);
  // What some group has not read is open, all of it; of what all have read, what is pending with one of them.
  const unread = to > readPosition ? Math.max(0, ordinal - readOrdinal) : 0;
  const read = {
    first: Math.max(stream.firstSequence, startOf(stream)),
    last: Math.min(to, readPosition) - 1,
  };
  if (read.last < read.first) return unread;
  return unread + messagesOf(unionOf(ledgers.flatMap((ledger) => pendingWithin(ledger, read))));
}
