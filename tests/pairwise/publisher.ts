import type { PlacedBatch, ProducerStamp } from '../../packages/broker/src/engine/engine.ts';
import type { TestRecord } from '../../packages/broker/test/batches.ts';
import type { Publication } from './publication.ts';
import type { StreamBook } from './stream-book.ts';

/** Publishes that a producer may ask for again. */
const KEPT_MAX = 4;

/** One publish, on one stream. */
export interface Publish {
  readonly stream: StreamBook;
  readonly records: readonly TestRecord[];
  readonly publications: readonly Publication[];
  readonly stamp: ProducerStamp;
}

/** A producer: it numbers what it publishes, so that it can send it again. */
export class Publisher {
  readonly index: number;
  /** What it may send again, and the receipts that it had. */
  readonly sent: { readonly publish: Publish; receipt: PlacedBatch | undefined }[] = [];
  readonly #last = new Map<StreamBook, number>();
  #nextNumber = 1;

  constructor(index: number) {
    this.index = index;
  }

  stamp(): ProducerStamp {
    const number = this.#nextNumber++;
    const oldest = this.sent[0]?.publish.stamp.number ?? number;
    return { id: `${this.index}`.repeat(32), number, settled: oldest - 1 };
  }

  remember(publish: Publish): void {
    this.sent.push({ publish, receipt: undefined });
    if (this.sent.length > KEPT_MAX) this.sent.shift();
  }

  /** Its messages have numbers in the order in which it published them. @throws Error when they do not */
  placed(stream: StreamBook, sequence: number): void {
    const last = this.#last.get(stream) ?? 0;
    if (sequence <= last)
      throw new Error(`publisher ${this.index} got ${sequence} on ${stream.name} after ${last}`);
    this.#last.set(stream, sequence);
  }
}
