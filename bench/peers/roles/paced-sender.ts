import { bodyOf } from '../../role.ts';
import type { Client } from '../client.ts';
import { type PacedOrders, TICK_MS } from './pace.ts';

/** Sends what is due, as far as the window allows. Invariant: what is sent and not confirmed is never more than `window`. */
export class PacedSender {
  readonly #client: Client;
  readonly #orders: PacedOrders;
  readonly #perTick: number;
  readonly #all = Promise.withResolvers<void>();
  readonly #body: Buffer;
  /** When the first tick was due. */
  #firstMs = 0;
  #meant = 0;
  #sent = 0;
  confirmed = 0;

  constructor(client: Client, orders: PacedOrders) {
    this.#client = client;
    this.#orders = orders;
    this.#perTick = (orders.ratePerSecond / 1_000) * TICK_MS;
    this.#body = bodyOf(orders.bodyBytes);
  }

  get allConfirmed(): Promise<void> {
    return this.#all.promise;
  }

  tick(dueMs: number): void {
    if (this.#meant === 0) this.#firstMs = dueMs;
    this.#meant += this.#perTick;
    this.#send();
  }

  #send(): void {
    const { stream, window } = this.#orders;
    while (this.#sent < this.#meant && this.#sent - this.confirmed < window) {
      const body = Buffer.from(this.#body);
      body.writeDoubleLE(this.#firstMs + Math.floor(this.#sent / this.#perTick) * TICK_MS);
      this.#sent++;
      this.#client.publish(stream, body).then(() => this.#confirmed(), this.#all.reject);
    }
  }

  #confirmed(): void {
    this.confirmed++;
    if (this.confirmed === this.#orders.messages) this.#all.resolve();
    else if (this.#sent < this.#meant) this.#send();
  }
}
