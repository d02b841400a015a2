import { setTimeout as sleep } from 'node:timers/promises';
import { Bind, type Connection, Publisher, type Receipt, type SimpleMQError } from '@simplemq/client';
import { Random } from '../../fuzz/random.ts';
import type { FactLog } from '../history/fact-log.ts';
import { now } from '../history/facts.ts';
import { type Body, bodyOf } from './body.ts';
import { connect } from './connect.ts';
import type { LoadOptions } from './load-options.ts';
import { ALL_PATTERN, BILLS, ORDERS, SOLO, TO_ALL } from './streams.ts';

type Shape = (sender: Sender, random: Random) => Promise<void>;

/** Sends without waiting for confirms, up to so many. */
const AHEAD_MAX = 1_000;
const PAUSE_MS_MAX = 20;

/** Publishes over three connections until `signal`, then waits for the last confirm. */
export async function publishUntil(signal: AbortSignal, options: LoadOptions, log: FactLog): Promise<void> {
  const connections = [connect(options), connect(options), connect(options)].map((c) => c.connection);
  const [first, second, third] = connections as [Connection, Connection, Connection];
  const plan: [name: string, connection: Connection, bind: Bind, shape: Shape][] = [
    ['windows', first, new Bind(ORDERS), window],
    ['singles', first, new Bind(ORDERS), single],
    ['ahead', second, new Bind(BILLS), ahead],
    [TO_ALL, second, new Bind(ALL_PATTERN), window],
    [`${TO_ALL}-singly`, third, new Bind(ALL_PATTERN), single],
    ['batches', third, new Bind(BILLS), batch],
    ['solo', third, new Bind(SOLO), window],
  ];
  const work = plan.map(async ([name, connection, bind, shape], index) => {
    const random = new Random(options.seed * 31 + index);
    const sender = new Sender(`${options.name}/${name}`, new Publisher<Body>(connection, bind), log);
    while (!signal.aborted) {
      await shape(sender, random);
      await sleep(random.below(PAUSE_MS_MAX));
    }
    await sender.publisher.close();
  });
  await Promise.all(work);
  for (const connection of connections) await connection.close();
}

async function window(sender: Sender, random: Random): Promise<void> {
  const sends = Array.from({ length: 1 + random.below(100) }, () => sender.send());
  await Promise.all(sends);
}

async function single(sender: Sender): Promise<void> {
  await sender.send();
}

async function ahead(sender: Sender, random: Random): Promise<void> {
  for (let i = random.below(50); i >= 0; i--) void sender.send();
  if (sender.waiting > AHEAD_MAX) await sender.publisher.flush();
}

async function batch(sender: Sender, random: Random): Promise<void> {
  await sender.sendMany(1 + random.below(60));
}

/** A publisher that numbers its messages and writes down what became of them. */
class Sender {
  readonly publisher: Publisher<Body>;
  waiting = 0;
  readonly #name: string;
  readonly #log: FactLog;
  #number = 0;

  constructor(name: string, publisher: Publisher<Body>, log: FactLog) {
    this.#name = name;
    this.publisher = publisher;
    this.#log = log;
  }

  async send(): Promise<void> {
    const number = ++this.#number;
    this.waiting++;
    try {
      this.#confirmed(number, await this.publisher.sendMessage(bodyOf(this.#name, number)));
    } catch (error) {
      this.#refused(number, error);
    }
    this.waiting--;
  }

  async sendMany(count: number): Promise<void> {
    const first = this.#number + 1;
    this.#number += count;
    const bodies = Array.from({ length: count }, (_, index) => bodyOf(this.#name, first + index));
    try {
      const receipts = await this.publisher.sendMessages(bodies);
      for (const [index, receipt] of receipts.entries()) this.#confirmed(first + index, receipt);
    } catch (error) {
      for (let number = first; number < first + count; number++) this.#refused(number, error);
    }
  }

  #confirmed(number: number, { streams: places }: Receipt): void {
    this.#log.write({ kind: 'confirmed', at: now(), publisher: this.#name, number, places });
  }

  #refused(number: number, error: unknown): void {
    const { code = String(error) } = error as SimpleMQError;
    this.#log.write({ kind: 'refused', at: now(), publisher: this.#name, number, code });
  }
}
