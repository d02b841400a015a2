/** Gathers what comes in one turn, at most `max` of it, and sends it as one; all of it is confirmed together. */
export class TurnBatch<T> {
  readonly #max: number;
  readonly #send: (items: T[]) => Promise<unknown>;
  #items: T[] = [];
  #confirmed = Promise.withResolvers<unknown>();

  constructor(max: number, send: (items: T[]) => Promise<unknown>) {
    this.#max = max;
    this.#send = send;
  }

  add(item: T): Promise<unknown> {
    const { promise } = this.#confirmed;
    if (this.#items.push(item) === 1) process.nextTick(() => this.#flush());
    if (this.#items.length === this.#max) this.#flush();
    return promise;
  }

  #flush(): void {
    if (this.#items.length === 0) return;
    const { resolve, reject } = this.#confirmed;
    this.#send(this.#items).then(resolve, reject);
    this.#items = [];
    this.#confirmed = Promise.withResolvers();
  }
}
