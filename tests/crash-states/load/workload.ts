import { Bind, Connection, type Cursor, Follower, type Message, Publisher } from '@simplemq/client';
import { Random } from '../../fuzz/random.ts';
import type { TracedBroker } from '../broker/traced-broker.ts';
import { bodyOf } from '../trace/body.ts';
import { AdministrationLoad } from './administration-load.ts';
import { DeadLetterLoad } from './dead-letter-load.ts';
import { LogLoad } from './log-load.ts';
import { settled } from './settled.ts';

/** How much there is to do. */
export interface WorkloadSize {
  /** Rounds between two starts of the broker. */
  readonly rounds: number;
  /** Of the bodies that are published past the page cache, in bytes. */
  readonly largeBytes: number;
  readonly largeInRound: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const SMALL = 'small';
const LARGE = 'large';
const KEPT = 'kept';
const BOTH = ['both.a', 'both.b'];
const OPTIONS = { dedupWindowMs: DAY_MS };
const SMALL_BYTES_MAX = 3_000;
/** Of messages that stay, each in a commit of its own: many small batches for a sweep to move. */
const GRAINS_IN_ROUND = 8;
const GRAIN_BYTES = 60;
/** Of small messages those that are acked in a transaction. */
const FORWARD_EVERY = 4;
/** What is kept of the large messages, for a sweep to move. */
const LARGE_KEPT_EVERY = 9;

/**
 * Has the broker do everything that changes its files: messages small and large, with ids, delayed, to several streams;
 * acks and nacks; transactions, dead letters, a log with a schedule; streams and groups that come and go; backups. It dies once, is stopped once, and is started again after each.
 */
export async function runWorkload(broker: TracedBroker, size: WorkloadSize, seed: number): Promise<void> {
  const random = new Random(seed);
  await broker.start();
  const connection = new Connection({
    host: '127.0.0.1',
    port: broker.port,
    requestTimeoutMs: 60_000,
    reconnect: { minDelayMs: 10, maxDelayMs: 30 },
  });
  const cursor = connection.cursor();
  for (const stream of [SMALL, LARGE, KEPT, ...BOTH]) await cursor.createStream(stream, OPTIONS);
  const load = new Load(connection, cursor, size, random);
  const letters = new DeadLetterLoad(connection);
  const log = new LogLoad(connection);
  const administration = new AdministrationLoad(cursor, SMALL);
  await letters.create();
  await log.create();
  const loads = [load, letters, log, administration];
  const round = async (): Promise<void> => {
    await Promise.all(loads.map((each) => each.round()));
  };
  const stopped = new AbortController();
  const { signal } = stopped;
  const work = [
    load.ackSome(SMALL, 5, signal),
    load.ackSome(LARGE, LARGE_KEPT_EVERY, signal),
    letters.handle(signal),
    log.replay(signal),
  ];
  for (const end of ['die', 'stop'] as const) {
    for (let i = 0; i < size.rounds; i++) await round();
    // It ends in the middle of one more.
    const last = round();
    await new Promise((resolve) => setTimeout(resolve, random.below(20)));
    await broker[end]();
    await broker.start();
    await last;
  }
  for (let i = 0; i < size.rounds; i++) await round();
  await log.ticked;
  stopped.abort();
  await Promise.all(work);
  await connection.close();
  await broker.stop();
}

class Load {
  readonly #cursor: Cursor;
  readonly #size: WorkloadSize;
  readonly #random: Random;
  readonly #publishers: ReadonlyMap<string, Publisher<Uint8Array>>;
  readonly #toBoth: Publisher<Uint8Array>;
  readonly #connection: Connection;
  #ids = 0;
  #rounds = 0;

  constructor(connection: Connection, cursor: Cursor, size: WorkloadSize, random: Random) {
    this.#connection = connection;
    this.#cursor = cursor;
    this.#size = size;
    this.#random = random;
    const publisherTo = (stream: string) => new Publisher<Uint8Array>(connection, new Bind(stream));
    this.#publishers = new Map([SMALL, LARGE, KEPT].map((stream) => [stream, publisherTo(stream)]));
    this.#toBoth = new Publisher<Uint8Array>(connection, new Bind(/^both\./));
  }

  /** All of it is confirmed when it is done, one thing after the other or at once. */
  async round(): Promise<void> {
    this.#rounds++;
    const random = this.#random;
    const sends: Promise<unknown>[] = [];
    for (let i = random.below(12); i >= 0; i--) sends.push(this.#send(SMALL, this.#small()));
    if (random.below(2) === 0) await Promise.all(sends);
    for (let i = 0; i < this.#size.largeInRound; i++) {
      const bytes = this.#size.largeBytes + random.below(this.#size.largeBytes);
      const sent = this.#send(LARGE, bytes);
      if (random.below(2) === 0) await sent;
      else sends.push(sent);
    }
    for (let i = 0; i < GRAINS_IN_ROUND; i++) await this.#send(KEPT, GRAIN_BYTES);
    sends.push(this.#toBoth.sendMessage(this.#body(this.#small())));
    const messageId = `order-${this.#rounds - random.below(2)}`;
    sends.push(this.#send(KEPT, this.#small(), { messageId }));
    sends.push(this.#send(KEPT, this.#small(), { delayMs: DAY_MS }));
    sends.push(this.#send(SMALL, this.#small(), { delayMs: 1 + random.below(30) }));
    if (this.#rounds % 2 === 0) await settled(this.#comeAndGo());
    await Promise.all(sends);
  }

  /** Acks what comes, awaiting it, but for some that are nacked first and some that are held. */
  async ackSome(stream: string, holdEvery: number, signal: AbortSignal): Promise<void> {
    const follower = new Follower<Uint8Array>(this.#connection, new Bind(stream), {
      leaseMs: DAY_MS,
      prefetch: 16,
    });
    const held: Message<Uint8Array>[] = [];
    for await (const message of follower.getMessages({ signal })) {
      if (message.sequence % holdEvery === 0) held.push(message);
      else if (message.attempt === 1 && message.sequence % 7 === 0)
        await settled(message.nack({ delayMs: 0 }));
      else if (stream === SMALL && message.sequence % FORWARD_EVERY === 0)
        await settled(this.#forward(message));
      else if (message.sequence % 3 === 0) await settled(message.ack());
      else void settled(message.ack());
      if (held.length >= 12) for (const each of held.splice(0, 6)) await settled(each.ack());
    }
  }

  /** Acks it and publishes what came of it, to one stream and to several, in one transaction. */
  async #forward(message: Message<Uint8Array>): Promise<void> {
    await this.#connection.transaction((transaction) => {
      transaction.publish(new Bind(KEPT), this.#body(GRAIN_BYTES));
      transaction.ack(message);
      transaction.publish(new Bind(/^both\./), this.#body(this.#small()));
    });
  }

  /** A stream that comes, is purged of all but its last message, and mostly goes; two of them in turn. */
  async #comeAndGo(): Promise<void> {
    const time = this.#rounds / 2;
    const stream = `passing-${time % 2}`;
    await this.#cursor.createStream(stream, OPTIONS);
    const publisher = new Publisher<Uint8Array>(this.#connection, new Bind(stream));
    const sends = [1, 2, 3].map(() => publisher.sendMessage(this.#body(this.#small())));
    const receipts = await Promise.all(sends);
    await publisher.close();
    const { sequence } = receipts.at(-1)!.streams[0]!;
    if (time % 3 !== 1) await this.#cursor.purgeStream(stream, { sequence });
    if (time % 4 < 3) await this.#cursor.deleteStream(stream);
  }

  #send(
    stream: string,
    bytes: number,
    options: { messageId?: string; delayMs?: number } = {},
  ): Promise<unknown> {
    return this.#publishers.get(stream)!.sendMessage(this.#body(bytes), options);
  }

  #body(bytes: number): Buffer {
    return bodyOf(`m${++this.#ids}`, bytes);
  }

  #small(): number {
    return this.#random.below(SMALL_BYTES_MAX);
  }
}
