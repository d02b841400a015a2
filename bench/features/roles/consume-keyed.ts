import { Connection } from '@simplemq/client';
import { type Figures, runRole, secondsSince } from '../../role.ts';
import { KeyedConsumer } from './keyed-consumer.ts';
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
    const consumer = new KeyedConsumer(orders);
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
