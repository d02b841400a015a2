import type { StreamRanges } from '@simplemq/protocol';
import type {
  DeliveredRun,
  Engine,
  EngineFollower,
  FollowerSink,
  FollowRequest,
  ProducerStamp,
  PublishReceipt,
  PublishRequest,
  TransactionReceipt,
} from '../../packages/broker/src/engine/engine.ts';
import type { Random } from '../fuzz/random.ts';
import type { Book } from './book.ts';
import {
  checkRun,
  type Holder,
  left,
  type SettlementKind,
  type Settling,
  settled,
  settling,
} from './delivery-checks.ts';
import { between, happens } from './derived.ts';
import type { Connection, ServerEnd } from './network.ts';
import type { Publication } from './publications.ts';
import type { Owner } from './simulated-time.ts';

/** What a client hears of a follower that it has. */
export interface ClientFollower {
  received(run: DeliveredRun): void;
  ended(): void;
}

interface Followed {
  readonly holder: Holder;
  readonly engineFollower: EngineFollower;
}

export interface SettlementOptions {
  readonly delayMs?: number;
}

/** What a follower settles and publishes in one commit. */
export interface SimulatedTransaction {
  readonly key: number;
  readonly entries: readonly StreamRanges[];
  readonly request: Pick<PublishRequest, 'bind' | 'batch'>;
  readonly publications: readonly Publication[];
  readonly producer: ProducerStamp;
}

/** The broker's end of one connection: calls the engine, and notes what it asks and what it is told. */
export class Session implements ServerEnd {
  connection!: Connection<Session>;
  readonly #engine: Engine;
  readonly #book: Book;
  readonly #process: Owner;
  readonly #random: Random;
  readonly #life: number;
  readonly #followers = new Map<number, Followed>();
  /** Left before they were there. */
  readonly #gone = new Set<number>();
  #isOver = false;

  constructor(options: { engine: Engine; book: Book; process: Owner; random: Random }) {
    this.#engine = options.engine;
    this.#book = options.book;
    this.#process = options.process;
    this.#random = options.random;
    this.#life = options.book.life;
  }

  get #isAlive(): boolean {
    return !this.#isOver && !this.#process.isGone;
  }

  async publish(request: PublishRequest, publications: readonly Publication[]): Promise<PublishReceipt> {
    for (const publication of publications) {
      if (publication.outcome !== 'refused') continue;
      publication.outcome = 'unknown';
      publication.mayBeLate = true;
    }
    try {
      const receipt = await this.#engine.publish(request);
      this.#book.confirmed(publications, receipt.streams);
      return receipt;
    } catch (error) {
      if (isRefusal(error)) this.#book.refused(publications);
      throw error;
    }
  }

  /** @param key the client's own number for it */
  async follow(key: number, request: FollowRequest, client: ClientFollower): Promise<void> {
    if (!this.#isAlive) return;
    let followed: Followed | undefined;
    const { group = 'workers', leaseMs = 30_000 } = request;
    const sink: FollowerSink = {
      deliver: (run) => {
        checkRun(this.#book, followed!.holder, run);
        this.connection.push(() => client.received(run));
        return this.#takesMore(followed!);
      },
      ended: () => this.connection.push(() => client.ended()),
    };
    const engineFollower = await this.#engine.follow(request, sink);
    followed = { holder: { life: this.#life, id: engineFollower.id, group, leaseMs }, engineFollower };
    if (!this.#isAlive || this.#gone.has(key)) this.#lose(followed);
    else this.#followers.set(key, followed);
  }

  credit(key: number, upTo: number): void {
    if (!this.#isAlive) return;
    this.#followers.get(key)?.engineFollower.credit(upTo, Number.MAX_SAFE_INTEGER);
  }

  async settle(
    key: number,
    kind: SettlementKind,
    entries: readonly StreamRanges[],
    options: SettlementOptions,
  ): Promise<void> {
    const followed = this.#followers.get(key);
    if (followed === undefined || !this.#isAlive) return;
    const { engineFollower, holder } = followed;
    const asked = settling(this.#book, kind, holder, entries);
    settled(this.#book, asked, await settle(engineFollower, kind, entries, options));
  }

  async transact({
    key,
    entries,
    request,
    publications,
    producer,
  }: SimulatedTransaction): Promise<TransactionReceipt> {
    const followed = this.#followers.get(key);
    if (followed === undefined || !this.#isAlive) return new Promise(() => {});
    const acks = [{ follower: followed.engineFollower, entries }];
    const asked = settling(this.#book, 'ack', followed.holder, entries);
    this.#book.transactions.push({ asked, publications });
    for (const { transaction } of publications) {
      if (transaction !== undefined) transaction.onStored = () => settled(this.#book, asked, []);
    }
    try {
      const receipt = await this.#engine.transaction({ publishes: [request], acks, producer });
      this.#book.confirmed(publications, receipt.publishes[0]!);
      this.#book.count('transactions');
      return receipt;
    } catch (error) {
      if (isRefusal(error)) this.#transactionRefused(asked, publications, error as { code: string });
      throw error;
    }
  }

  /** Says goodbye: what the follower has goes back at once. */
  unfollow(key: number): void {
    const followed = this.#followers.get(key);
    this.#followers.delete(key);
    this.#gone.add(key);
    if (followed === undefined || !this.#isAlive) return;
    left(this.#book, followed.holder);
    followed.engineFollower.close();
  }

  lost(): void {
    if (!this.#isAlive) return;
    this.#isOver = true;
    for (const followed of this.#followers.values()) this.#lose(followed);
    this.#followers.clear();
  }

  #lose({ holder, engineFollower }: Followed): void {
    if (this.#process.isGone) return;
    left(this.#book, holder);
    engineFollower.lose();
  }

  /** A sink that is full now and then, for a moment. */
  #takesMore({ engineFollower }: Followed): boolean {
    if (!happens(this.#random, 8)) return true;
    this.#book.count('full sinks');
    this.#book.time.after(between(this.#random, 0.1, 5), () => engineFollower.resume(), this.#process);
    return false;
  }

  /** None of it was done: what was to be acked is there still, with its follower or, taken back, waiting. */
  #transactionRefused(
    asked: Settling,
    publications: readonly Publication[],
    { code }: { code: string },
  ): void {
    this.#book.refused(publications);
    this.#book.count('refused transactions');
    if (code === 'StaleAck' && asked.parts.every(({ isHeld }) => isHeld === 'yes'))
      this.#book.violate(
        'wronglyStale',
        `a transaction that acks ${asked.parts.map(({ sequence }) => sequence)}`,
      );
    for (const { stream, sequence, entry, deliveries, isRepeat } of asked.parts) {
      this.#book.onTrail?.(stream, sequence, `its transaction is refused (${code})`);
      if (entry?.state !== 'settling' || entry.deliveries !== deliveries || isRepeat) continue;
      // With StaleAck or StreamFull nothing was changed.
      entry.state = code === 'StorageFull' ? 'waiting' : 'held';
      entry.isRefused = code === 'StorageFull';
    }
  }
}

async function settle(
  follower: EngineFollower,
  kind: SettlementKind,
  entries: readonly StreamRanges[],
  options: SettlementOptions,
): Promise<readonly StreamRanges[]> {
  if (kind === 'nack') return follower.nack(entries, options);
  if (kind === 'reject') return follower.reject(entries, { reason: 'rejected in a simulation' });
  return follower[kind](entries);
}

/** After these nobody knows whether it was done, or it was done before, by another connection. */
const TELL_NOTHING = ['StorageFailed', 'ServerClosing', 'ConnectionLost', 'ProtocolViolation'];

/** Whether it says that nothing was done. */
export function isRefusal(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code !== undefined && !TELL_NOTHING.includes(code);
}
