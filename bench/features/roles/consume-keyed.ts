import { Bind, Connection, Follower } from '@simplemq/client';
import { Random } from '../../../tests/fuzz/random.ts';
import { type Figures, runRole, secondsSince } from '../../role.ts';
import { readKeyed } from './keyed-body.ts';
import type { KeyedOrders } from './publish-keyed.ts';

export interface KeyedConsumeOrders extends KeyedOrders {
  /** Of the deliveries this share, 0 to 1, is nacked and comes again at once. */
  readonly nackedShare: number;
}

export interface KeyedFigures extends Figures {
  readonly nacked: number;
  /** Messages that came before the one in front of them was acked, or after they themselves were. */
  readonly outOfOrder: number;
}

/** Followers of one group, each over a connection of its own; ends when all messages are acked. */
await runRole<KeyedConsumeOrders, KeyedFigures>({
  async prepare(orders) {
    const connections = Array.from({ length: orders.connections }, () => new Connection(orders.server));
    await Promise.all(connections.map((connection) => connection.cursor().session()));
    const consumer = new Consumer(orders);
    return {
      async work() {
        const start = performance.now();
        await Promise.all(connections.map((connection) => consumer.consume(connection)));
        const { nacked, outOfOrder } = consumer;
        return { seconds: secondsSince(start), messages: orders.messages, nacked, outOfOrder };
      },
      end: async () => {
        await Promise.all(connections.map((connection) => connection.close()));
      },
    };
  },
});

class Consumer {
  nacked = 0;
  outOfOrder = 0;
  readonly #bind: Bind;
  readonly #nackedShare: number;
  /** Of each key the number of the message that was acked last. */
  readonly #acked: Uint32Array;
  readonly #random: Random;
  readonly #done = new AbortController();
  #left: number;

  constructor({ stream, messages, keys, nackedShare }: KeyedConsumeOrders) {
    this.#bind = new Bind(stream);
    this.#nackedShare = nackedShare;
    this.#acked = new Uint32Array(keys);
    this.#random = new Random(keys);
    this.#left = messages;
  }

  async consume(connection: Connection): Promise<void> {
    const follower = new Follower<Uint8Array>(connection, this.#bind, { ordering: 'key' });
    let last: Promise<void> | undefined;
    for await (const message of follower.getMessages({ signal: this.#done.signal })) {
      const { key, number } = readKeyed(message.body);
      if (number !== this.#acked[key]! + 1) this.outOfOrder++;
      if (this.#nackedShare > 0 && this.#random.below(1e6) < this.#nackedShare * 1e6) {
        this.nacked++;
        message.nack({ delayMs: 0 });
        continue;
      }
      this.#acked[key] = number;
      last = message.ack();
      if (--this.#left === 0) this.#done.abort();
    }
    // What is settled earlier over a connection is done earlier.
    await last;
  }
}
