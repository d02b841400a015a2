import type { SimpleMQError } from '@simplemq/protocol';
import type { NumberedSource } from '../publisher/numbered.ts';
import type { PublishQueue } from '../publisher/publish-queue.ts';
import type { OutgoingTransaction } from './outgoing-transaction.ts';
import type { TransactionReceipt } from './transaction.ts';

/** The transactions of a connection until they are sent. */
export class TransactionSource implements NumberedSource {
  readonly #queue: PublishQueue;
  #waiting: OutgoingTransaction[] = [];

  constructor(queue: PublishQueue) {
    this.#queue = queue;
  }

  send(transaction: OutgoingTransaction): Promise<TransactionReceipt> {
    this.#waiting.push(transaction);
    this.#queue.want(this);
    return transaction.receipt;
  }

  take(): OutgoingTransaction | undefined {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const { stale } = next;
      if (stale === undefined) return next;
      next.reject(stale);
    }
    return undefined;
  }

  failed(error: SimpleMQError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const transaction of waiting) transaction.reject(error);
  }
}
