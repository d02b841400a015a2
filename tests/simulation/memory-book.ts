import type { ReadBack } from '../../packages/broker/test/batches.ts';
import type { Book } from './book.ts';
import { StreamBook } from './group-book.ts';
import { isDelayed } from './publications.ts';

/** What is known of a memory stream in one life of the broker: what is stored shows by receipts and deliveries only. */
export class MemoryStreamBook extends StreamBook {
  /** What was sent since then was not sent to the one before, in ms since the run began. */
  since = 0;
}

/** The memory streams of the broker that is there. */
export class MemoryBook {
  readonly #book: Book;
  readonly #streams = new Map<string, MemoryStreamBook>();

  constructor(book: Book) {
    this.#book = book;
  }

  get(name: string): MemoryStreamBook | undefined {
    return this.#streams.get(name);
  }

  all(): Iterable<MemoryStreamBook> {
    return this.#streams.values();
  }

  /** It is asked for. */
  begin(name: string): void {
    if (this.#streams.has(name)) return;
    const stream = new MemoryStreamBook(0, name, this.#book.expected.optionsOf);
    stream.since = this.#book.time.now;
    this.#streams.set(name, stream);
  }

  /** They are gone with their broker, or could not be created. */
  lose(): void {
    for (const stream of this.#streams.values()) {
      if (stream.bodies.size > 0) this.#book.count('memory streams lost');
      this.#checkOrder(stream);
      // Whoever knows an entry of it still is to see that it is of no matter.
      for (const group of stream.groups.values()) group.forget(Number.POSITIVE_INFINITY);
    }
    this.#streams.clear();
  }

  /** A message is seen in its place for the first time, by its receipt or a delivery. */
  seen(stream: MemoryStreamBook, sequence: number, { body, attributes }: ReadBack): void {
    const book = this.#book;
    const where = `${body} in ${stream.name} as ${sequence}`;
    stream.bodies.set(sequence, body);
    book.onTrail?.(stream.name, sequence, `${body} is seen`);
    const publication = book.publications.get(body);
    if (publication === undefined) book.violate('notPublished', `${where} was never published`);
    else if (publication.outcome === 'refused') book.violate('refusedButStored', where);
    const twin = stream.sequences.get(body);
    if (twin !== undefined) book.violate('storedTwice', `${where} and as ${twin}`);
    stream.sequences.set(body, sequence);
    const { messageId } = attributes;
    if (messageId === undefined || isDelayed(publication?.attributes ?? {})) return;
    if (stream.ids.has(messageId)) book.violate('idTwice', `${where}, another with the id ${messageId}`);
    stream.ids.set(messageId, book.time.wall);
  }

  /** Publishers' messages are in their order: told by the places that were seen. */
  check(): void {
    for (const stream of this.#streams.values()) this.#checkOrder(stream);
    this.#checkDisk();
  }

  #checkOrder({ name, bodies }: MemoryStreamBook): void {
    const { publications } = this.#book;
    const newest = new Map<string, number>();
    for (const [sequence, body] of [...bodies].sort(([a], [b]) => a - b)) {
      const publication = publications.get(body);
      if (publication === undefined || isDelayed(publication.attributes) || publication.mayBeLate) continue;
      const { publisher, number, attributes } = publication;
      const lane = `${publisher} ${attributes.priority ?? 1}`;
      const before = newest.get(lane) ?? 0;
      if (number < before)
        this.#book.violate('outOfOrder', `${body} in ${name} as ${sequence} after number ${before}`);
      newest.set(lane, number);
    }
  }

  /** Nothing of them is on the disk. */
  #checkDisk(): void {
    const { model } = this.#book.disk;
    for (const { name } of model.streams.values()) {
      if (this.#book.expected.isMemory(name)) this.#book.violate('leftover', `the stream ${name}`);
    }
    const { groups, delayed, dedup } = model.snapshot();
    const owned = { groups, batches: model.rows, delayed, dedup };
    for (const [what, rows] of Object.entries(owned)) {
      const orphan = rows.find(({ streamId }) => !model.streams.has(streamId));
      if (orphan !== undefined) this.#book.violate('leftover', `${what} of stream ${orphan.streamId}`);
    }
  }
}
