import type { Attributes } from '@simplemq/protocol';

/** A message as a publisher sent it. Bodies are unique. */
export interface Publication {
  readonly body: string;
  readonly publisher: string;
  /** In the order in which the publisher sent them. */
  readonly number: number;
  readonly attributes: Attributes;
  /** When it was sent for the first time, in ms since the run began. */
  readonly sentAt: number;
  outcome: 'unknown' | 'confirmed' | 'refused';
  /** It was refused, which its publisher did not hear, and sent again: others may have gone ahead of it. */
  mayBeLate: boolean;
  /** Where its receipt says it is: stream, and the sequence number; undefined where it is a duplicate or delayed. */
  readonly places: Map<string, number | undefined>;
  /** In which transaction, if in one. */
  readonly transaction: TransactionFacts | undefined;
  /** The schedule that publishes it, time and again. */
  readonly schedule: string | undefined;
}

/** Acks that are done if a message is stored, and not if not. */
export interface TransactionFacts {
  /** Called when the message is on the disk. */
  onStored: () => void;
}

/** All that was ever published, by body. */
export class Publications {
  readonly #byBody = new Map<string, Publication>();
  readonly #numbers = new Map<string, number>();

  add(
    publisher: string,
    attributes: Attributes,
    sentAt: number,
    { transaction, schedule }: { transaction?: TransactionFacts; schedule?: string } = {},
  ): Publication {
    const number = (this.#numbers.get(publisher) ?? 0) + 1;
    this.#numbers.set(publisher, number);
    const publication: Publication = {
      body: `${publisher}/${number}`,
      publisher,
      number,
      attributes,
      sentAt,
      outcome: 'unknown',
      mayBeLate: false,
      places: new Map(),
      transaction,
      schedule,
    };
    this.#byBody.set(publication.body, publication);
    return publication;
  }

  get(body: string): Publication | undefined {
    return this.#byBody.get(body);
  }

  all(): Iterable<Publication> {
    return this.#byBody.values();
  }
}

export function isDelayed({ delayMs, deliverAt }: Attributes): boolean {
  return delayMs !== undefined || deliverAt !== undefined;
}
