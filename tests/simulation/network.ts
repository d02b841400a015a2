import { ConnectionLost } from '@simplemq/protocol';
import type { Random } from '../fuzz/random.ts';
import { between, happens } from './derived.ts';
import type { SimulatedTime } from './simulated-time.ts';

/** One direction of a connection: what is sent arrives later, in its order, or not at all. */
class Wire {
  isClosed = false;
  readonly #time: SimulatedTime;
  readonly #random: Random;
  #lastAt = 0;

  constructor(time: SimulatedTime, random: Random) {
    this.#time = time;
    this.#random = random;
  }

  send(arrive: () => void): void {
    if (this.isClosed) return;
    const random = this.#random;
    const tookMs = happens(random, 2) ? between(random, 20, 150) : between(random, 0.05, 3);
    this.#lastAt = Math.max(this.#lastAt, this.#time.now + tookMs);
    this.#time.at(this.#lastAt, () => {
      if (!this.isClosed) arrive();
    });
  }
}

/** The broker's end of a connection. */
export interface ServerEnd {
  /** The client is gone, or seems to be. */
  lost(): void;
}

/**
 * A connection of a client to the broker. When it is cut both ends hear of it some time later, each at its own; what is
 * under way then may still arrive or not, so a client does not know what became of a request without an answer.
 */
export class Connection<Server extends ServerEnd> {
  readonly #server: Server;
  readonly #time: SimulatedTime;
  readonly #random: Random;
  readonly #up: Wire;
  readonly #down: Wire;
  readonly #waiting = new Set<(error: Error) => void>();
  readonly #onLost: () => void;
  #isCut = false;
  #isOver = false;

  constructor(options: { server: Server; time: SimulatedTime; random: Random; onLost: () => void }) {
    this.#server = options.server;
    this.#time = options.time;
    this.#random = options.random;
    this.#onLost = options.onLost;
    this.#up = new Wire(options.time, options.random);
    this.#down = new Wire(options.time, options.random);
  }

  /** Requests without an answer. */
  get unanswered(): number {
    return this.#waiting.size;
  }

  /** From the client to the broker, without an answer. */
  tell(action: (server: Server) => void): void {
    if (this.#isCut) return;
    this.#up.send(() => action(this.#server));
  }

  /** From the broker to the client. */
  push(arrive: () => void): void {
    if (this.#isCut) return;
    this.#down.send(arrive);
  }

  ask<T>(work: (server: Server) => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (this.#isOver) {
      reject(lost());
      return promise;
    }
    this.#waiting.add(reject);
    const answer = (settle: () => void): void =>
      this.push(() => {
        if (this.#waiting.delete(reject)) settle();
      });
    this.tell((server) => {
      work(server).then(
        (value) => answer(() => resolve(value)),
        (error) => answer(() => reject(error)),
      );
    });
    return promise;
  }

  /** Nothing goes in from now on. */
  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    if (happens(this.#random, 50)) this.#up.isClosed = true;
    if (happens(this.#random, 50)) this.#down.isClosed = true;
    const noticedMs = (): number =>
      happens(this.#random, 20) ? between(this.#random, 500, 2_000) : between(this.#random, 0, 20);
    this.#time.after(noticedMs(), () => {
      this.#up.isClosed = true;
      this.#server.lost();
    });
    this.#time.after(noticedMs(), () => this.#clientLost());
  }

  /** The broker's process is gone. */
  serverDied(): void {
    this.#isCut = true;
    this.#up.isClosed = true;
    if (happens(this.#random, 50)) this.#down.isClosed = true;
    this.#time.after(between(this.#random, 0.1, 20), () => this.#clientLost());
  }

  #clientLost(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#down.isClosed = true;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const reject of waiting) reject(lost());
    this.#onLost();
  }
}

function lost(): Error {
  return new ConnectionLost('the simulated connection was cut');
}
