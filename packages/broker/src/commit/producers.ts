import {
  ProtocolViolation,
  type SimpleMQError,
  TooManyReceipts,
  UNCONFIRMED_BATCHES_MAX,
} from '@simplemq/protocol';
import type { SteadyClock } from '../clock.ts';
import type { ProducerStamp } from '../engine/engine.ts';
import type { StoredProducer } from '../store/store.ts';
import { type KnownReceipt, Producer, producerIdOf, type ReceiptRow } from './producer.ts';

const MIB: number = 1024 * 1024;
/** Producers whose receipts are kept at the most; past it the one that was not heard of for longest is forgotten. */
export const PRODUCERS_MAX = 100_000;
/** What the receipts of all may take in memory, about; past it the same is done. */
const RECEIPTS_BYTES_MAX: number = 256 * MIB;
/**
 * What those of one producer may take: as many publishes as may be unconfirmed by default, to a thousand streams each.
 * None of them can be forgotten, as it may ask for any; so past it its publishes are refused.
 */
const PRODUCER_BYTES_MAX: number = 64 * MIB;

/** What of the producers goes into a transaction. */
export interface SealedProducers {
  readonly changed: readonly StoredProducer[];
  readonly forgotten: readonly string[];
  readonly rows: readonly ReceiptRow[];
}

export const NO_PRODUCERS: SealedProducers = { changed: [], forgotten: [], rows: [] };

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
  #bytes = 0;
  #changed = new Set<ReceiptRow>();

  constructor(windowMs: number, stored: readonly StoredProducer[], clock: SteadyClock) {
    this.#windowMs = windowMs;
    this.#clock = clock;
    for (const { id, usedAt, receipts } of [...stored].sort((a, b) => a.usedAt - b.usedAt)) {
      this.#use(producerIdOf(id), usedAt).restore(id, receipts);
    }
    for (const producer of this.#producers.values()) {
      producer.restored();
      this.#bytes += producer.bytes;
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
    const receipt = producer?.get(number);
    if (receipt === undefined && producer !== undefined && number <= producer.settled)
      throw tooLate(number, producer);
    return receipt;
  }

  /** @throws TooManyReceipts */
  checkRoom(stamp: ProducerStamp): void {
    const producer = this.#producers.get(stamp.id);
    if (producer === undefined || producer.bytes < PRODUCER_BYTES_MAX) return;
    this.#dropKnown(producer, stamp);
    if (producer.bytes >= PRODUCER_BYTES_MAX) throw tooMany(stamp);
  }

  /** Remembers a publish that goes into the next transaction. */
  remember(stamp: ProducerStamp, known: KnownReceipt, receipt: Promise<KnownReceipt>): void {
    const producer = this.#use(stamp.id, Math.floor(this.#clock.now()));
    if (stamp.settled < stamp.number) producer.settled = Math.max(producer.settled, stamp.settled);
    this.#dropKnown(producer, stamp);
    const before = producer.bytes;
    this.#changed.add(producer.add(stamp.number, known, receipt));
    this.#bytes += producer.bytes - before;
    if (this.#isOver) this.#makeRoom(producer);
  }

  /** The publish was not stored after all. */
  forget({ id, number }: ProducerStamp): void {
    const producer = this.#producers.get(id);
    if (producer === undefined) return;
    const before = producer.bytes;
    const row = producer.drop(number);
    this.#bytes += producer.bytes - before;
    if (row !== undefined) this.#changed.add(row);
  }

  /** What is to be stored in the transaction that is being sealed. */
  seal(): SealedProducers {
    if (this.#changed.size === 0) return NO_PRODUCERS;
    const rows = [...this.#changed];
    this.#changed = new Set();
    const changed = rows
      .filter(({ known }) => known.size > 0)
      .map(({ id, producer: { usedAt }, known }) => ({ id, usedAt, receipts: JSON.stringify([...known]) }));
    // A producer that was forgotten may have come anew, and have a row of the same id.
    const saved = new Set(changed.map(({ id }) => id));
    const forgotten = rows.filter(({ id, known }) => known.size === 0 && !saved.has(id)).map(({ id }) => id);
    return { changed, forgotten, rows };
  }

  /** What was sealed was not stored. */
  unseal({ rows }: SealedProducers): void {
    for (const row of rows) this.#changed.add(row);
  }

  /** Forgets producers that were not heard of for the window; tells whether there were any. */
  expire(): boolean {
    const before = this.#producers.size;
    const now = this.#clock.now();
    for (const producer of this.#producers.values()) {
      if (producer.usedAt > now - this.#windowMs) break;
      this.#remove(producer);
    }
    return this.#producers.size < before;
  }

  get #isOver(): boolean {
    return this.#producers.size > PRODUCERS_MAX || this.#bytes > RECEIPTS_BYTES_MAX;
  }

  /** Forgets those that were not heard of for longest, but for the one that needs the room. */
  #makeRoom(forWhom: Producer): void {
    for (const producer of this.#producers.values()) {
      if (!this.#isOver || producer === forWhom) break;
      this.#remove(producer);
    }
  }

  /**
   * Forgets what the producer does not ask for again: what it says that it knows, and what it must know, since it may have
   * only so many unanswered. Twice as many, as one that has some more is not refused.
   */
  #dropKnown(producer: Producer, { number, settled, unconfirmedMax }: ProducerStamp): void {
    const before = producer.bytes;
    const last = Math.max(settled, number - 2 * (unconfirmedMax ?? UNCONFIRMED_BATCHES_MAX));
    producer.dropThrough(last, this.#changed);
    this.#bytes += producer.bytes - before;
  }

  #remove(producer: Producer): void {
    this.#producers.delete(producer.id);
    this.#bytes -= producer.bytes;
    for (const row of producer.clear()) this.#changed.add(row);
  }

  #use(id: string, usedAt: number): Producer {
    const producer = this.#producers.get(id) ?? new Producer(id, usedAt);
    producer.usedAt = usedAt;
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

function tooMany({ number, settled }: ProducerStamp): SimpleMQError {
  return new TooManyReceipts(
    `the publish number ${number} was not stored: the receipts of those after ${settled}, whose outcome the producer ` +
      `does not say it knows, take ${PRODUCER_BYTES_MAX / MIB} MiB, the limit for one producer: raise settled, or ` +
      'have fewer unconfirmed',
    { details: { limit: 'PRODUCER_BYTES_MAX', max: PRODUCER_BYTES_MAX, settled } },
  );
}
