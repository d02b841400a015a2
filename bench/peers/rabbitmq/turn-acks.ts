const ACK_EVERY = 500;

/** Acks what was delivered on a channel up to a message: at the end of a turn, and for each five hundred. */
export class TurnAcks {
  readonly #ack: (lastTag: number) => void;
  #last = 0;
  #count = 0;

  constructor(ack: (lastTag: number) => void) {
    this.#ack = ack;
  }

  add(tag: number): void {
    this.#last = tag;
    this.#count++;
    if (this.#count === ACK_EVERY) this.flush();
    else if (this.#count === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    if (this.#count === 0) return;
    this.#count = 0;
    this.#ack(this.#last);
  }
}
