import type { Socket } from 'node:net';

export interface IntakeLimits {
  readonly maxUnconfirmedBatches: number;
  readonly maxUnconfirmedBytes: number;
  readonly maxUnconfirmedBytesTotal: number;
}

/**
 * Who has no more than this unanswered is read although the total is over its limit: so that the acks of some are not
 * held up by the publishes of others.
 */
const SMALL_BYTES = 16 * 1024;

/** Requests of one connection that are carried out at a time whose answers may be as large as a frame. */
export const LARGE_ANSWERS_MAX: number = 4;

/** What all connections together have asked and not been answered. */
export class IntakeTotal {
  readonly limits: IntakeLimits;
  readonly #waiting = new Set<Intake>();
  #requests = 0;
  #bytes = 0;
  #onIdle: (() => void)[] = [];

  constructor(limits: IntakeLimits) {
    this.limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Settles when every request that was taken is answered. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#requests === 0) resolve();
      else this.#onIdle.push(resolve);
    });
  }

  take(bytes: number): void {
    this.#requests++;
    this.#bytes += bytes;
  }

  settle(bytes: number): void {
    this.#requests--;
    this.#bytes -= bytes;
    if (this.#waiting.size > 0 && this.isBelowHalf) {
      for (const intake of this.#waiting) intake.resumeIfLow();
    }
    if (this.#requests === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  get isOver(): boolean {
    return this.#bytes > this.limits.maxUnconfirmedBytesTotal;
  }

  get isBelowHalf(): boolean {
    return this.#bytes <= this.limits.maxUnconfirmedBytesTotal / 2;
  }

  /** `intake` is paused, and is to be asked again when the total is low. */
  wait(intake: Intake): void {
    this.#waiting.add(intake);
  }

  leave(intake: Intake): void {
    this.#waiting.delete(intake);
  }
}

/**
 * Back-pressure on what one client sends: past a limit of unanswered requests its socket is not read, until they are
 * below half of it, nor while the client itself does not read its answers. Nothing is dropped; the client's own writes
 * wait.
 */
export class Intake {
  readonly #socket: Socket;
  readonly #total: IntakeTotal;
  readonly #goOn: () => void;
  #requests = 0;
  #bytes = 0;
  #largeAnswers = 0;
  #isFull = false;
  #isUnread = false;
  #rests = false;

  /** @param goOn carries out what was received and kept, and then has the socket read */
  constructor(socket: Socket, total: IntakeTotal, goOn: () => void) {
    this.#socket = socket;
    this.#total = total;
    this.#goOn = goOn;
  }

  /** No request is to be taken now. */
  get isPaused(): boolean {
    return this.#isFull || this.#isUnread || this.#rests;
  }

  get requests(): number {
    return this.#requests;
  }

  /** @param isLarge whether the answer may be as large as a frame */
  take(bytes: number, isLarge: boolean): void {
    this.#requests++;
    this.#bytes += bytes;
    if (isLarge) this.#largeAnswers++;
    this.#total.take(bytes);
    if (!this.#isFull && this.#isOver()) this.#pause();
  }

  settle(bytes: number, isLarge: boolean): void {
    this.#requests--;
    this.#bytes -= bytes;
    if (isLarge) this.#largeAnswers--;
    this.#total.settle(bytes);
    if (this.#isFull) this.resumeIfLow();
  }

  /** The client is to read its answers first. */
  waitForReader(): void {
    if (this.#isUnread) return;
    this.#isUnread = true;
    this.#socket.pause();
  }

  /** The client has read. */
  hasRead(): void {
    if (!this.#isUnread) return;
    this.#isUnread = false;
    this.#resume();
  }

  /** What there is goes on in the next turn, after what others have sent meanwhile. */
  rest(): void {
    if (this.#rests) return;
    this.#rests = true;
    this.#socket.pause();
    setImmediate(() => {
      this.#rests = false;
      if (!this.isPaused) this.#goOn();
    });
  }

  /** Reads again, whatever the limits: what comes is discarded by now. */
  release(): void {
    this.#total.leave(this);
    this.#isFull = false;
    this.#isUnread = false;
    this.#socket.resume();
  }

  resumeIfLow(): void {
    const { maxUnconfirmedBatches, maxUnconfirmedBytes } = this.#total.limits;
    const isLow =
      this.#requests <= maxUnconfirmedBatches / 2 &&
      this.#bytes <= maxUnconfirmedBytes / 2 &&
      this.#largeAnswers <= LARGE_ANSWERS_MAX / 2;
    if (!isLow || !(this.#total.isBelowHalf || this.#isSmall)) return;
    this.#total.leave(this);
    this.#isFull = false;
    this.#resume();
  }

  get #isSmall(): boolean {
    return this.#bytes <= SMALL_BYTES;
  }

  #isOver(): boolean {
    const { maxUnconfirmedBatches, maxUnconfirmedBytes } = this.#total.limits;
    if (this.#requests > maxUnconfirmedBatches || this.#bytes > maxUnconfirmedBytes) return true;
    if (this.#largeAnswers >= LARGE_ANSWERS_MAX) return true;
    return this.#total.isOver && !this.#isSmall;
  }

  #pause(): void {
    this.#isFull = true;
    this.#socket.pause();
    this.#total.wait(this);
  }

  /** What was kept is carried out in a turn of its own, and not amid the answers of others. */
  #resume(): void {
    if (!this.isPaused) this.rest();
  }
}
