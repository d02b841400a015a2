import {
  MessageTooLarge,
  NoMatchingStream,
  type SimpleMQError,
  StorageFull,
  type WireBind,
} from '@simplemq/protocol';
import type { Committer } from '../commit/committer.ts';
import type { Producers } from '../commit/producers.ts';
import { COMMIT_BYTES_MAX, PUBLISH_BYTES_MAX } from '../limits.ts';
import { type BatchPart, partsOf } from '../publish/batch-parts.ts';
import type { Placer } from '../publish/placer.ts';
import { MatchTime } from '../routing/match-time.ts';
import type { Stream } from '../stream/stream.ts';
import type { EmbeddedFollower } from './embedded-follower.ts';
import type {
  Durability,
  PlacedBatch,
  ProducerStamp,
  PublishReceipt,
  PublishRequest,
  TransactionReceipt,
  TransactionRequest,
} from './engine.ts';
import type { StreamRegistry } from './stream-registry.ts';

export interface TransactionsOptions {
  readonly registry: StreamRegistry;
  readonly committer: Committer;
  readonly producers: Producers;
  readonly placer: Placer;
  readonly durability: Durability;
}

/** A publish, and where it goes. */
interface Matched {
  readonly streams: readonly Stream[];
  readonly parts: readonly BatchPart[];
}

/**
 * Publishes, alone or with acks.
 *
 * Invariant: everything is checked before anything is changed, and then changed in one turn, so all of it is in one
 * transaction of the store.
 */
export class Transactions {
  readonly #options: TransactionsOptions;

  constructor(options: TransactionsOptions) {
    this.#options = options;
  }

  publish({ producer, ...request }: PublishRequest): Promise<PublishReceipt> {
    const repeated = producer === undefined ? undefined : this.#options.producers.receiptOf(producer);
    if (repeated !== undefined) return repeated as Promise<PublishReceipt>;
    if (producer !== undefined) this.#options.producers.checkRoom(producer);
    const checked = this.#match(request);
    this.#checkRoom([checked]);
    const receipt = { streams: this.#place(checked), durability: this.#durabilityOf(checked.streams) };
    return this.#committed(receipt, producer);
  }

  run({ publishes, acks, producer }: TransactionRequest): Promise<TransactionReceipt> {
    const repeated = producer === undefined ? undefined : this.#options.producers.receiptOf(producer);
    if (repeated !== undefined) return repeated as Promise<TransactionReceipt>;
    if (producer !== undefined) this.#options.producers.checkRoom(producer);
    const time = new MatchTime();
    const checked = publishes.map((request) => this.#match(request, time));
    this.#checkRoom(checked);
    const acked = [...Map.groupBy(acks, ({ follower }) => follower as EmbeddedFollower)].map(
      ([follower, asked]) => ({ follower, entries: asked.flatMap(({ entries }) => entries) }),
    );
    for (const { follower, entries } of acked) follower.checkHeld(entries);
    const { open } = this.#options.committer;
    for (const { follower, entries } of acked) {
      open.undo.push(follower.ackRevocably(entries));
      for (const group of follower.groupsOf(entries)) open.revocable.add(group);
    }
    const placed = checked.map((publish) => this.#place(publish));
    const durability = this.#durabilityOf(checked.flatMap(({ streams }) => streams));
    return this.#committed({ publishes: placed, durability }, producer);
  }

  #match(
    { bind, batch, mustMatch = false, visible }: TransactionRequest['publishes'][number],
    time?: MatchTime,
  ): Matched {
    const streams = this.#options.registry.match(bind, visible, time);
    if (mustMatch && streams.length === 0) throw noMatch(bind);
    return { streams, parts: partsOf(batch) };
  }

  /** Each stream has to have room for all that goes to it, and the commit for all of it. */
  #checkRoom(publishes: readonly Matched[]): void {
    const wanted = new Map<Stream, readonly BatchPart[]>();
    for (const { streams, parts } of publishes) {
      for (const stream of streams) {
        const before = wanted.get(stream);
        wanted.set(stream, before === undefined ? parts : [...before, ...parts]);
      }
    }
    let bytes = 0;
    for (const [stream, parts] of wanted) {
      this.#options.placer.checkRoom(stream, parts);
      bytes += this.#options.placer.bytesOf(stream, parts);
    }
    if (bytes > PUBLISH_BYTES_MAX) throw tooLarge(bytes, wanted.size);
    if (this.#options.committer.open.bytes + bytes > COMMIT_BYTES_MAX) throw tooMuchWaits();
  }

  #place({ streams, parts }: Matched): PlacedBatch[] {
    const { committer, placer } = this.#options;
    return streams.map((stream) => placer.place(committer.open, stream, parts));
  }

  #durabilityOf(streams: readonly Stream[]): Durability {
    return streams.every((stream) => stream.isDurable) ? this.#options.durability : 'memory';
  }

  /** The receipt, once the open transaction is as durable as it says. */
  #committed<R extends PublishReceipt | TransactionReceipt>(
    receipt: R,
    producer: ProducerStamp | undefined,
  ): Promise<R> {
    const { committer, producers } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    committer.open.publishes.push({
      resolve: () => resolve(receipt),
      reject: (error) => {
        if (producer !== undefined) producers.forget(producer);
        reject(error);
      },
    });
    if (producer !== undefined) producers.remember(producer, receipt, promise);
    committer.schedule();
    return promise;
  }
}

function tooLarge(bytes: number, streams: number): SimpleMQError {
  return new MessageTooLarge(
    `this would store ${mebibytes(bytes)} on ${streams} ${streams === 1 ? 'stream' : 'streams'}; one publish or ` +
      `transaction may store ${mebibytes(PUBLISH_BYTES_MAX)}: send it to fewer streams, or in smaller messages or batches`,
    { details: { value: bytes, max: PUBLISH_BYTES_MAX } },
  );
}

function tooMuchWaits(): SimpleMQError {
  return new StorageFull(
    `with this more than ${mebibytes(COMMIT_BYTES_MAX)} of messages would wait for the disk, and nothing of it is ` +
      'stored; try again when some of them are',
    { details: { max: COMMIT_BYTES_MAX } },
  );
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / (1024 * 1024))} MiB`;
}

function noMatch(bind: WireBind): SimpleMQError {
  const shown = 'pattern' in bind ? bind.pattern : bind.stream;
  return new NoMatchingStream(`no stream matches ${JSON.stringify(shown)}, and one must (mustMatch)`, {
    details: { pattern: shown },
  });
}
