import type { Deliver, RecordBatch, StreamRanges } from '@simplemq/protocol';
import { RecordRun } from '../message/record-run.ts';
import type { HeldFollower } from './held-follower.ts';
import { Message } from './message.ts';

/**
 * The messages of one DELIVER frame, taken one by one from where they lie in it.
 *
 * Invariant: `next` is the sequence number of the record at `#offset`, and `left` says how many are still there.
 */
export class Run<T> extends RecordRun<T> {
  readonly held: HeldFollower<T>;
  readonly attempt: number;
  /** The bytes that the broker counts against bytesUpTo. */
  readonly bytes: number;
  left: number;
  next: number;
  #offset = 0;

  constructor(held: HeldFollower<T>, delivery: Deliver & { readonly batch: RecordBatch }) {
    super(delivery, held.readBody);
    this.held = held;
    this.attempt = delivery.attempt;
    this.bytes = delivery.batch.records.length;
    this.left = delivery.batch.count;
    this.next = delivery.first;
  }

  /** The sequence number of the last message. */
  get last(): number {
    return this.next + this.left - 1;
  }

  /** Only to be called while there is one left. */
  take(): Message<T> {
    const offset = this.#offset;
    this.#offset = this.after(offset);
    this.left--;
    return new Message(this, this.next++, offset);
  }

  /** What was not taken. */
  ranges(): StreamRanges {
    return {
      stream: this.stream,
      ranges: [{ first: this.next, last: this.last, attempt: this.attempt }],
    };
  }
}
