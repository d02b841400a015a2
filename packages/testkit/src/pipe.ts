import type { Socket } from 'node:net';

/** What is wrong with a network; asked at every piece that passes. */
export interface Conditions {
  /** Added to all that passes, in ms. */
  readonly delayMs: number;
  /** What passes goes on in pieces of so many bytes; 0 as it came. */
  readonly pieceBytes: number;
  /** No more than this a second; 0 as fast as it can be taken. */
  readonly bytesPerSecond: number;
}

/** Why nothing is read now: it is stalled, waits for room at the other end, or has had its bytes of a second. */
type Hold = 'stalled' | 'full' | 'slow';

/**
 * One direction of a connection.
 *
 * Invariant: what goes on is what came, in its order; it is read while nothing holds it.
 */
export class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #conditions: Conditions;
  readonly #onPassed: (chunk: Buffer, isSlowed: boolean) => void;
  readonly #holds = new Set<Hold>();
  readonly #waiting: { readonly chunk: Buffer; readonly dueAt: number }[] = [];
  #lastDueAt = 0;

  constructor(
    from: Socket,
    to: Socket,
    conditions: Conditions,
    onPassed: (chunk: Buffer, isSlowed: boolean) => void,
  ) {
    this.#from = from;
    this.#to = to;
    this.#conditions = conditions;
    this.#onPassed = onPassed;
    from.on('data', (chunk) => this.#take(chunk));
    to.on('drain', () => this.letGo('full'));
  }

  hold(why: Hold): void {
    this.#holds.add(why);
    this.#from.pause();
  }

  letGo(...why: readonly Hold[]): void {
    for (const each of why) this.#holds.delete(each);
    if (this.#holds.size === 0) this.#from.resume();
  }

  #take(chunk: Buffer): void {
    const now = performance.now();
    // What came first goes on first, though the delay may have become shorter.
    this.#lastDueAt = Math.max(this.#lastDueAt, now + this.#conditions.delayMs);
    if (this.#lastDueAt <= now && this.#waiting.length === 0) {
      this.#forward(chunk);
      return;
    }
    this.#waiting.push({ chunk, dueAt: this.#lastDueAt });
    if (this.#waiting.length === 1) this.#forwardDue();
  }

  #forwardDue(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const leftMs = next.dueAt - performance.now();
      if (leftMs > 0) {
        setTimeout(() => this.#forwardDue(), Math.ceil(leftMs));
        return;
      }
      this.#forward(next.chunk);
      this.#waiting.shift();
    }
  }

  #forward(chunk: Buffer): void {
    if (!this.#to.writable) return;
    const { pieceBytes, bytesPerSecond } = this.#conditions;
    this.#onPassed(chunk, bytesPerSecond > 0);
    const step = pieceBytes === 0 ? chunk.length : pieceBytes;
    let isTaken = true;
    for (let start = 0; start < chunk.length; start += step) {
      isTaken = this.#to.write(chunk.subarray(start, start + step));
    }
    if (!isTaken) this.hold('full');
    if (bytesPerSecond === 0) return;
    this.hold('slow');
    setTimeout(() => this.letGo('slow'), (chunk.length / bytesPerSecond) * 1000).unref();
  }
}
