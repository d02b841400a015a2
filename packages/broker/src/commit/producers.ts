import { ProtocolViolation, type SimpleMQError, UNCONFIRMED_BATCHES_MAX } from '@simplemq/protocol';
import type { SteadyClock } from '../clock.ts';
import type { ProducerStamp, PublishReceipt, TransactionReceipt } from '../engine/engine.ts';
import type { StoredProducer } from '../store/store.ts';

/** Producers whose receipts are kept at the most; past it the one that was not heard of for longest is forgotten. */
const PRODUCERS_MAX = 100_000;
/** Receipts of one producer: twice what it may have unconfirmed, so that none is missed that it may ask for. */
const RECEIPTS_MAX: number = 2 * UNCONFIRMED_BATCHES_MAX;

/** A publish and a transaction share the numbers of their producer. */
type KnownReceipt = PublishReceipt | TransactionReceipt;

interface Producer {
  readonly id: string;
  /** By the steady clock. */
  usedAt: number;
  /** No number up to it is taken in any more, as far as this run of the broker knows. */
  settled: number;
  readonly receipts: Map<number, Promise<KnownReceipt>>;
  /** The same receipts, as known when the publish was taken in; stored with its commit. */
  readonly known: Map<number, KnownReceipt>;
}

/**
 * What makes publishing idempotent: the receipts that a producer may ask for again, by its number of the publish.
 *
 * Invariant: a receipt is stored in the transaction that stores its batch, so after a crash either both are there or
 * neither is.
 */
export class Producers {
  // In order of use: the one that was not heard of for longest comes first.
  readonly #producers = new Map<string, Producer>();
  readonly #windowMs: number;
  readonly #clock: SteadyClock;
  #changed = new Set<Producer>();
  #forgotten: string[] = [];

  constructor(windowMs: number, stored: readonly StoredProducer[], clock: SteadyClock) {
    this.#windowMs = windowMs;
    this.#clock = clock;
    for (const { id, usedAt, receipts } of [...stored].sort((a, b) => a.usedAt - b.usedAt)) {
      const known = new Map(JSON.parse(receipts) as [number, KnownReceipt][]);
      const settled = [...known].map(([number, receipt]) => [number, Promise.resolve(receipt)] as const);
      this.#producers.set(id, { id, usedAt, settled: 0, known, receipts: new Map(settled) });
    }
  }

  /**
   * The receipt of a publish that was taken in before, settled or still to be.
   *
   * @throws ProtocolViolation when its producer has said that it does not come again: it was under way on a connection
   *   that the producer has given up, and what became of it is known by now
   */
  receiptOf({ id, number }: ProducerStamp): Promise<KnownReceipt> | undefined {
    const producer = this.#producers.get(id);
    const receipt = producer?.receipts.get(number);
    if (receipt === undefined && producer !== undefined && number <= producer.settled)
      throw tooLate(number, producer);
    return receipt;
  }

  /** Remembers a publish that goes into the next transaction. */
  remember(stamp: ProducerStamp, known: KnownReceipt, receipt: Promise<KnownReceipt>): void {
    const producer = this.#use(stamp.id);
    if (stamp.settled < stamp.number) producer.settled = Math.max(producer.settled, stamp.settled);
    for (const number of producer.receipts.keys()) {
      // In the order in which they were taken in, which is their own but for those sent again.
      if (number > stamp.settled) break;
      producer.receipts.delete(number);
      producer.known.delete(number);
    }
    if (producer.receipts.size >= RECEIPTS_MAX) {
      const [oldest] = producer.receipts.keys();
      producer.receipts.delete(oldest!);
      producer.known.delete(oldest!);
    }
    producer.receipts.set(stamp.number, receipt);
    producer.known.set(stamp.number, known);
    this.#changed.add(producer);
  }

  /** The publish was not stored after all. */
  forget({ id, number }: ProducerStamp): void {
    const producer = this.#producers.get(id);
    if (producer === undefined) return;
    producer.receipts.delete(number);
    producer.known.delete(number);
    this.#changed.add(producer);
  }

  /** What is to be stored in the transaction that is being sealed. */
  seal(): { changed: StoredProducer[]; forgotten: string[] } {
    const changed = [...this.#changed].map(({ id, usedAt, known }) => {
      return { id, usedAt, receipts: JSON.stringify([...known]) };
    });
    const forgotten = this.#forgotten;
    this.#changed = new Set();
    this.#forgotten = [];
    return { changed, forgotten };
  }

  /** What was sealed was not stored. */
  unseal({ changed, forgotten }: { changed: readonly StoredProducer[]; forgotten: readonly string[] }): void {
    for (const { id } of changed) {
      const producer = this.#producers.get(id);
      if (producer !== undefined) this.#changed.add(producer);
    }
    this.#forgotten.push(...forgotten);
  }

  /** Forgets producers that were not heard of for the window; tells whether there were any. */
  expire(): boolean {
    const now = this.#clock.now();
    for (const producer of this.#producers.values()) {
      const isTooMany = this.#producers.size > PRODUCERS_MAX;
      if (!isTooMany && producer.usedAt > now - this.#windowMs) break;
      this.#producers.delete(producer.id);
      this.#changed.delete(producer);
      this.#forgotten.push(producer.id);
    }
    return this.#forgotten.length > 0;
  }

  #use(id: string): Producer {
    const known = this.#producers.get(id);
    const producer = known ?? { id, usedAt: 0, settled: 0, receipts: new Map(), known: new Map() };
    producer.usedAt = Math.floor(this.#clock.now());
    this.#producers.delete(id);
    this.#producers.set(id, producer);
    return producer;
  }
}

function tooLate(number: number, { settled }: Producer): SimpleMQError {
  return new ProtocolViolation(
    `the publish number ${number} comes after its producer said that it knows the outcome of all up to ${settled}; it ` +
      'was not stored',
  );
}
