import type { Committer } from '../commit/committer.ts';
import { messagesOf, type Span } from '../group/entry.ts';
import type { StoredDamage } from '../store/store.ts';
import type { Stream } from '../stream/stream.ts';
import { doneByAll, leftWithin } from '../stream/work-retention.ts';
import type { EngineEvent } from './events.ts';

export interface DamagedMessagesOptions {
  readonly committer: Committer;
  readonly streamOf: (id: number) => Stream | undefined;
  readonly onEvent: (event: EngineEvent) => void;
}

/**
 * Takes what the store has set aside out of the books: its streams have less, and groups are done with it, whether they
 * had delivered it or not. Those that have still to read it find a hole where it was, and go past.
 */
export class DamagedMessages {
  readonly #options: DamagedMessagesOptions;

  constructor(options: DamagedMessagesOptions) {
    this.#options = options;
  }

  take(damage: readonly StoredDamage[]): void {
    for (const each of damage) {
      const { streamId, bytes: _, endOrdinal: _end, ...told } = each;
      this.#options.onEvent({ type: 'damaged', ...told });
      const stream = this.#options.streamOf(streamId);
      if (stream !== undefined && !stream.isDeleted) this.#takeOut(stream, each);
    }
  }

  #takeOut(stream: Stream, damage: StoredDamage): void {
    const { lane: number, first, last, messages, bytes, endOrdinal = 0 } = damage;
    if (first === undefined || last === undefined) {
      stream.delayedMessages = Math.max(0, stream.delayedMessages - messages);
      stream.delayedBytes = Math.max(0, stream.delayedBytes - bytes);
      return;
    }
    const { open } = this.#options.committer;
    stream.bytes = Math.max(0, stream.bytes - bytes);
    open.touched.add(stream);
    const lane = stream.lanes.find((candidate) => candidate.number === number);
    if (lane !== undefined) {
      const span = { first, last };
      const lost = lostOf(stream, { ...span, lane: number }, { messages, endOrdinal });
      stream.messages = Math.max(0, stream.messages - lost);
      lane.log.remove(first, last);
      for (const group of stream.groups.values()) group.strike(number, span);
    }
    this.#options.committer.schedule();
  }
}

/** How many messages a stream has less without those of a span, in which so many of its lane were once. */
function lostOf(
  stream: Stream,
  span: Span & { readonly lane: number },
  once: { readonly messages: number; readonly endOrdinal: number },
): number {
  if (!stream.isWork || stream.groups.size === 0) return once.messages;
  const left = leftWithin(stream, span, once);
  if (left !== undefined) return left;
  const done = messagesOf(doneByAll(stream, span.lane, [span], undefined));
  return Math.min(once.messages, messagesOf([span]) - done);
}
