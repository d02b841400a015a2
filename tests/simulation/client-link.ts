import type { Random } from '../fuzz/random.ts';
import { between } from './derived.ts';
import type { Connection } from './network.ts';
import type { Session } from './session.ts';
import type { SimulatedTime } from './simulated-time.ts';

/** Connects to the broker; undefined when there is none just now. */
export type Dial = (random: Random, onLost: () => void) => Connection<Session> | undefined;

/** A client's connection, which it makes anew whenever it was lost. */
export class ClientLink {
  connection: Connection<Session> | undefined;
  onConnected: () => void = () => {};
  onLost: () => void = () => {};
  readonly #time: SimulatedTime;
  readonly #random: Random;
  readonly #dial: Dial;
  #isClosed = false;

  constructor(time: SimulatedTime, random: Random, dial: Dial) {
    this.#time = time;
    this.#random = random;
    this.#dial = dial;
  }

  connect(): void {
    if (this.#isClosed) return;
    const connection = this.#dial(this.#random, () => this.#lost());
    if (connection === undefined) {
      this.#connectLater();
      return;
    }
    this.connection = connection;
    this.onConnected();
  }

  cut(): void {
    this.connection?.cut();
  }

  /** The client ends it, and connects anew. */
  hangUp(): void {
    this.cut();
  }

  close(): void {
    this.#isClosed = true;
    this.connection = undefined;
  }

  #lost(): void {
    if (this.connection === undefined) return;
    this.connection = undefined;
    this.onLost();
    this.#connectLater();
  }

  #connectLater(): void {
    this.#time.after(between(this.#random, 1, 60), () => this.connect());
  }
}
