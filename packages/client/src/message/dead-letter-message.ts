import { type DeadLetter, ProtocolViolation } from '@simplemq/protocol';
import { ReadMessage } from './read-message.ts';

/** One delivery that failed. */
export interface FailedAttempt {
  readonly attempt: number;
  readonly at: Date;
  /** 'nack', 'expired' (the lease), 'disconnected', 'rejected' or 'unknown'. */
  readonly cause: string;
  /** For people; may be empty. */
  readonly error: string;
}

/**
 * A message that died, as the dead-letter stream has it: `stream` and `sequence` are that stream's, `timestamp` is when
 * it came there.
 */
export class DeadLetterMessage<T = unknown> extends ReadMessage<T> {
  /** The stream in which it died. */
  get originalStream(): string {
    return this.#dead.stream;
  }

  /** Its sequence number there. */
  get originalSequence(): number {
    return this.#dead.sequence;
  }

  /** The group in which it died. */
  get group(): string {
    return this.#dead.group;
  }

  /** When the broker took the original message in. */
  get publishedAt(): Date {
    return new Date(this.#dead.publishedAt);
  }

  get diedAt(): Date {
    return new Date(this.#dead.diedAt);
  }

  /** 'maxDeliveries', 'rejected' or 'expired' (its ttlMs). */
  get cause(): string {
    return this.#dead.cause;
  }

  /** The last error, for people; may be empty. */
  get error(): string {
    return this.#dead.error;
  }

  /** From the first to the last. */
  get attempts(): FailedAttempt[] {
    return this.#dead.attempts.map((failed) => ({ ...failed, at: new Date(failed.at) }));
  }

  get #dead(): DeadLetter {
    const { dead } = this.attributes;
    if (dead !== undefined) return dead;
    throw new ProtocolViolation(`${this.stream} ${this.sequence} does not tell how it died`);
  }
}
