import { setTimeout as sleep } from 'node:timers/promises';
import { Bind, type Connection, Publisher, type SimpleMQError } from '@simplemq/client';
import type { Random } from '../../fuzz/random.ts';
import { INPUTS, type Job, newJob } from './jobs.ts';

const BURST_MAX = 24;
const PAUSE_MS_MAX = 30;

/** Publishes numbered jobs, from 1 on, until it is stopped. It outlives every kill. */
export class Feeder {
  /** The jobs that were confirmed. */
  readonly confirmed: Set<number> = new Set();
  /** The jobs that were not, with the reason. */
  readonly refused: Map<number, string> = new Map();
  readonly #publisher: Publisher<Job>;
  readonly #random: Random;
  readonly #done: Promise<void>;
  #number = 0;
  #stopped = false;

  constructor(connection: Connection, random: Random) {
    this.#publisher = new Publisher<Job>(connection, new Bind(INPUTS.a));
    this.#random = random;
    this.#done = this.#feed();
  }

  /** How many jobs were sent. */
  get sent(): number {
    return this.#number;
  }

  /** Settles when the last job was confirmed or refused. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
    await this.#publisher.close();
  }

  async #feed(): Promise<void> {
    while (!this.#stopped) {
      const burst = Array.from({ length: 1 + this.#random.below(BURST_MAX) }, () => this.#send());
      await Promise.all(burst);
      await sleep(this.#random.below(PAUSE_MS_MAX));
    }
  }

  async #send(): Promise<void> {
    const number = ++this.#number;
    try {
      await this.#publisher.sendMessage(newJob(number));
      this.confirmed.add(number);
    } catch (error) {
      const { code = String(error) } = error as SimpleMQError;
      this.refused.set(number, code);
    }
  }
}
