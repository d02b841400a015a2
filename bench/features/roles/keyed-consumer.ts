import { Bind, type Connection, Follower } from '@simplemq/client';
import { Random } from '../../../tests/fuzz/random.ts';
import type { KeyedConsumeOrders } from './consume-keyed.ts';
import { readKeyed } from './keyed-body.ts';

/** Takes messages over several connections, nacks some, and checks that each key keeps its order. */
export class KeyedConsumer {
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
