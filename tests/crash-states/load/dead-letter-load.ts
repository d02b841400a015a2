import { Bind, type Connection, Follower, Publisher } from '@simplemq/client';
import { bodyOf } from '../trace/body.ts';
import { settled } from './settled.ts';

const FRAGILE = 'fragile';
const IN_ROUND = 4;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Of messages, by sequence number: one fails until it dies, one is rejected, and the others are acked. */
const FAIL_EVERY = 3;
const AT_ONCE = { maxDeliveries: 2, delayMs: 0, jitter: 0 };

/** Messages that fail and die, and dead letters that are redriven and deleted. */
export class DeadLetterLoad {
  readonly #connection: Connection;
  readonly #publisher: Publisher<Uint8Array>;
  #ids = 0;
  #rounds = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#publisher = new Publisher<Uint8Array>(connection, new Bind(FRAGILE));
  }

  async create(): Promise<void> {
    await this.#connection.cursor().createStream(FRAGILE);
  }

  async round(): Promise<void> {
    for (let i = 0; i < IN_ROUND; i++) await this.#publisher.sendMessage(bodyOf(`f${++this.#ids}`, 200));
    if (++this.#rounds % 2 === 0) await settled(this.#takeLetters());
  }

  async handle(signal: AbortSignal): Promise<void> {
    const follower = new Follower<Uint8Array>(this.#connection, new Bind(FRAGILE), {
      leaseMs: DAY_MS,
      prefetch: 4,
      retry: AT_ONCE,
    });
    for await (const message of follower.getMessages({ signal })) {
      const which = message.sequence % FAIL_EVERY;
      if (which === 0) await settled(message.nack({ delayMs: 0, reason: 'it fails' }));
      else if (which === 1) await settled(message.reject('it never works'));
      else await settled(message.ack());
    }
  }

  async #takeLetters(): Promise<void> {
    const cursor = this.#connection.cursor();
    const letters = await cursor.deadLetters(FRAGILE);
    const sequences = letters.map(({ sequence }) => sequence);
    const [deleted, ...rest] = sequences;
    const redriven = rest.slice(0, 4);
    if (redriven.length > 0) await cursor.redrive(FRAGILE, { sequences: redriven });
    if (deleted !== undefined) await cursor.deleteDeadLetters(FRAGILE, { sequences: [deleted] });
  }
}
