import { encodeCredit } from '@simplemq/protocol';
import type { HeldFollower } from './held-follower.ts';

/** Bytes of records that may be buffered. */
const BUFFERED_BYTES_MAX: number = 16 * 1024 * 1024;
/** Credit for bytes is told anew when so many were used. */
const BYTES_STEP: number = BUFFERED_BYTES_MAX / 4;

/**
 * The totals since FOLLOW that credit is told in.
 *
 * Invariant: of `received` messages `used` are finished or were handed back, so the broker, told `used + window`, never
 * lets the follower hold more than the window.
 */
export class CreditAccount {
  received = 0;
  used = 0;
  #bytesUsed = 0;
  #upToTold = 0;
  #bytesTold = 0;

  /** Begins anew with FOLLOW; `kept` of an earlier session still takes places. @returns the first credit */
  begin(kept: { messages: number; bytes: number }, window: number): { upTo: number; bytesUpTo: number } {
    this.received = 0;
    this.used = -kept.messages;
    this.#bytesUsed = -kept.bytes;
    this.#upToTold = Math.max(0, window - kept.messages);
    this.#bytesTold = Math.max(0, BUFFERED_BYTES_MAX - kept.bytes);
    return { upTo: this.#upToTold, bytesUpTo: this.#bytesTold };
  }

  /** Whether the broker may send more of its own accord. */
  get mayReceive(): boolean {
    return this.#upToTold > this.received;
  }

  /** A run is used up. @returns whether the broker should be told soon */
  useBytes(bytes: number): boolean {
    this.#bytesUsed += bytes;
    return this.#bytesUsed + BUFFERED_BYTES_MAX - this.#bytesTold >= BYTES_STEP;
  }

  /** Tells the broker that a window of `window` messages may be held, where that is news; 0 stops it. */
  tell(held: HeldFollower<unknown>, window: number): void {
    const upTo = window === 0 ? this.received : Math.max(0, this.used + window);
    const bytesUpTo = Math.max(0, this.#bytesUsed + BUFFERED_BYTES_MAX);
    if (upTo === this.#upToTold && bytesUpTo - this.#bytesTold < BYTES_STEP) return;
    this.#upToTold = upTo;
    this.#bytesTold = bytesUpTo;
    held.session.send(encodeCredit({ follower: held.id, upTo, bytesUpTo }));
    // The handler may keep this turn for long; the broker should not wait for its end.
    if (window > 1) held.session.flush();
  }
}
