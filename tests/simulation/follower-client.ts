import {
  BatchBuilder,
  decodeBatch,
  type GroupOptions,
  type RecordBatch,
  type SequenceRange,
  type WireBind,
} from '@simplemq/protocol';
import type { DeliveredRun, FollowRequest } from '../../packages/broker/src/engine/engine.ts';
import type { Book } from './book.ts';
import type { ClientLink } from './client-link.ts';
import type { SettlementKind } from './delivery-checks.ts';
import { between, derived, happens } from './derived.ts';
import type { FollowerPlan } from './plan.ts';

/** What a follower may do with a message, and how often of a hundred times. */
const HABITS = [
  ['ack', 62],
  ['nack', 10],
  ['reject', 2],
  ['release', 4],
  ['forget', 5],
  ['late ack', 4],
  ['double ack', 3],
  ['extend', 4],
  ['transaction', 6],
] as const;

type Habit = (typeof HABITS)[number][0];

/** Who has so much credit needs no more. */
const ENDLESS = 1_000_000;

interface Delivery extends SequenceRange {
  readonly stream: string;
}

export interface FollowerClientOptions {
  readonly plan: FollowerPlan;
  readonly link: ClientLink;
  readonly book: Book;
  readonly seed: number;
  /** What its group may be told to do: one of them is right. */
  readonly optionsOf: () => readonly GroupOptions[];
  /** Where the messages of its transactions go. */
  readonly resultsTo: string;
}

/** A follower with a mind of its own: what it does with a message depends on the seed and the message only. */
export class FollowerClient {
  readonly name: string;
  readonly #plan: FollowerPlan;
  readonly #link: ClientLink;
  readonly #book: Book;
  readonly #seed: number;
  readonly #optionsOf: () => readonly GroupOptions[];
  readonly #resultsTo: string;
  /** Of the FOLLOW that is in force. */
  #key = 0;
  #tries = 0;
  #upTo = 0;
  #isFollowing = true;
  #transactions = 0;
  #unsentAcks: Delivery[] = [];
  /** How often it was given each message in each attempt. */
  readonly #handled = new Map<string, number>();

  constructor({ plan, link, book, seed, optionsOf, resultsTo }: FollowerClientOptions) {
    this.name = plan.name;
    this.#plan = plan;
    this.#link = link;
    this.#book = book;
    this.#seed = seed;
    this.#optionsOf = optionsOf;
    this.#resultsTo = resultsTo;
    link.onConnected = () => this.#follow();
    link.onLost = () => {
      this.#key++;
      this.#unsentAcks = [];
    };
  }

  /** It says goodbye, and is there no more until it comes back. */
  leave(): void {
    if (!this.#isFollowing) return;
    this.#isFollowing = false;
    const key = this.#key++;
    this.#unsentAcks = [];
    this.#link.connection?.tell((session) => session.unfollow(key));
  }

  comeBack(): void {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    this.#follow();
  }

  close(): void {
    this.leave();
    this.#link.close();
  }

  #follow(): void {
    const { connection } = this.#link;
    if (connection === undefined || !this.#isFollowing) return;
    const key = ++this.#key;
    const { group, bind, leaseMs, credit } = this.#plan;
    this.#upTo = credit;
    const candidates = this.#optionsOf();
    const request: FollowRequest = {
      bind,
      group,
      leaseMs,
      client: this.name,
      upTo: credit,
      bytesUpTo: Number.MAX_SAFE_INTEGER,
      options: candidates[this.#tries++ % candidates.length]!,
    };
    const client = {
      received: (run: DeliveredRun) => {
        if (key === this.#key) this.#received(key, run);
      },
      ended: () => {
        if (key === this.#key) this.#followLater();
      },
    };
    connection
      .ask((session) => session.follow(key, request, client))
      .catch((error: { code: string }) => {
        if (key === this.#key && error.code !== 'ConnectionLost') this.#followLater();
      });
  }

  #followLater(): void {
    const key = ++this.#key;
    this.#book.time.after(50, () => {
      if (key === this.#key) this.#follow();
    });
  }

  #received(key: number, { stream, first, count, attempt }: DeliveredRun): void {
    for (let sequence = first; sequence < first + count; sequence++) {
      this.#handle(key, { stream, first: sequence, last: sequence, attempt });
    }
  }

  #handle(key: number, delivery: Delivery): void {
    const { stream, first, attempt } = delivery;
    const about = `${stream} ${first} ${attempt}`;
    const times = (this.#handled.get(about) ?? 0) + 1;
    this.#handled.set(about, times);
    const random = derived(this.#seed, this.name, about, times);
    const { leaseMs, isSteady, paceMs } = this.#plan;
    const habit = isSteady ? 'ack' : habitOf(random.below(100));
    const afterMs = between(random, 0, paceMs);
    const later = (ms: number, action: () => void): void => {
      this.#book.time.after(ms, () => {
        if (key === this.#key) action();
      });
    };
    // One more for each that is settled, or given up.
    if (this.#plan.credit < ENDLESS)
      later(habit === 'forget' || habit === 'late ack' ? leaseMs : afterMs + 1, () => this.#moreCredit(key));
    if (habit === 'forget') return;
    if (habit === 'ack') {
      later(afterMs, () => this.#ack(key, delivery));
      return;
    }
    if (habit === 'late ack') {
      later(leaseMs + between(random, 0, 20), () => this.#ack(key, delivery));
      return;
    }
    if (habit === 'transaction') {
      later(afterMs, () => this.#transact(key, delivery));
      return;
    }
    const delayMs = random.below(3) * between(random, 0, 100);
    const options = habit === 'nack' && happens(random, 60) ? { delayMs: Math.round(delayMs) } : {};
    if (habit === 'double ack') {
      later(afterMs, () => this.#settle(key, 'ack', [delivery]));
      later(afterMs + between(random, 0, 10), () => this.#settle(key, 'ack', [delivery]));
      return;
    }
    later(afterMs, () => this.#settle(key, habit, [delivery], options));
    if (habit === 'extend') later(leaseMs * 0.9 + afterMs, () => this.#ack(key, delivery));
  }

  /** Acks of a moment go together. */
  #ack(key: number, delivery: Delivery): void {
    this.#unsentAcks.push(delivery);
    if (this.#unsentAcks.length > 1) return;
    this.#book.time.after(0.5, () => {
      const acks = this.#unsentAcks;
      if (key !== this.#key || acks.length === 0) return;
      this.#unsentAcks = [];
      this.#settle(key, 'ack', acks);
    });
  }

  #settle(
    key: number,
    kind: SettlementKind,
    deliveries: readonly Delivery[],
    options: { delayMs?: number } = {},
  ): void {
    const entries = entriesOf(deliveries);
    this.#link.connection
      ?.ask((session) => session.settle(key, kind, entries, options))
      .catch(() => this.#book.count('settlements without an answer'));
  }

  #transact(key: number, delivery: Delivery): void {
    const { connection } = this.#link;
    if (connection === undefined) return;
    const publisher = `${this.name}-results`;
    const transaction = { onStored: () => {} };
    const publication = this.#book.publications.add(publisher, {}, this.#book.time.now, { transaction });
    const bind: WireBind = { stream: this.#resultsTo };
    const number = ++this.#transactions;
    const producer = { id: publisher.padEnd(32, '0').slice(0, 32), number, settled: number - 1 };
    const request = { bind, batch: batchOf(publication.body) };
    const entries = entriesOf([delivery]);
    connection
      .ask((session) => session.transact({ key, entries, request, publications: [publication], producer }))
      .catch(() => {});
  }

  #moreCredit(key: number): void {
    this.#upTo++;
    const upTo = this.#upTo;
    this.#link.connection?.tell((session) => session.credit(key, upTo));
  }
}

function habitOf(percent: number): Habit {
  let left = percent;
  for (const [habit, share] of HABITS) {
    if (left < share) return habit;
    left -= share;
  }
  return 'ack';
}

function entriesOf(deliveries: readonly Delivery[]): { stream: string; ranges: SequenceRange[] }[] {
  const byStream = Map.groupBy(deliveries, ({ stream }) => stream);
  return [...byStream].map(([stream, those]) => ({
    stream,
    ranges: those.map(({ first, last, attempt }) => ({ first, last, attempt })),
  }));
}

function batchOf(body: string): RecordBatch {
  const builder = new BatchBuilder({ initialBytes: 64 });
  builder.append(Buffer.from(body), true);
  return decodeBatch(builder.finish());
}
