import type { RecordBatch, WireBind } from '@simplemq/protocol';
import type { Book } from './book.ts';
import type { ClientLink } from './client-link.ts';
import type { Publication } from './publications.ts';
import { isRefusal } from './session.ts';

interface Outgoing {
  readonly number: number;
  readonly bind: WireBind;
  readonly batch: RecordBatch;
  readonly publications: readonly Publication[];
  sentTimes: number;
}

/** A publisher: numbers its batches, and sends what was not answered again, in order, when its connection was lost. */
export class PublisherClient {
  readonly name: string;
  readonly producerId: string;
  readonly #link: ClientLink;
  readonly #book: Book;
  #number = 0;
  #unanswered: Outgoing[] = [];

  constructor(name: string, producerId: string, link: ClientLink, book: Book) {
    this.name = name;
    this.producerId = producerId;
    this.#link = link;
    this.#book = book;
    link.onConnected = () => {
      for (const outgoing of this.#unanswered) this.#send(outgoing);
    };
  }

  get isIdle(): boolean {
    return this.#unanswered.length === 0;
  }

  publish(bind: WireBind, batch: RecordBatch, publications: readonly Publication[]): void {
    const outgoing = { number: ++this.#number, bind, batch, publications, sentTimes: 0 };
    this.#unanswered.push(outgoing);
    this.#send(outgoing);
  }

  #send(outgoing: Outgoing): void {
    const { connection } = this.#link;
    if (connection === undefined) return;
    const { bind, batch, publications, number } = outgoing;
    if (outgoing.sentTimes++ > 0) this.#book.count('batches sent again');
    const settled = (this.#unanswered[0]?.number ?? number) - 1;
    const producer = { id: this.producerId, number, settled };
    connection
      .ask((session) => session.publish({ bind, batch, producer }, publications))
      .then(
        () => this.#answered(outgoing),
        (error) => {
          if (isRefusal(error)) this.#answered(outgoing);
          else if ((error as { code: string }).code !== 'ConnectionLost') this.#link.hangUp();
        },
      );
  }

  #answered(outgoing: Outgoing): void {
    this.#unanswered = this.#unanswered.filter((other) => other !== outgoing);
  }
}
