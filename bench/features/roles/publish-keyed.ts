import { Bind, Connection, Publisher } from '@simplemq/client';
import { Random } from '../../../tests/fuzz/random.ts';
import { bodyOf, keepInFlight, type Orders, runRole, secondsSince } from '../../role.ts';
import { writeKeyed } from './keyed-body.ts';

export interface KeyedOrders extends Orders {
  readonly keys: number;
}

/** As publish, each message with a key at random. */
await runRole<KeyedOrders, { seconds: number; messages: number }>({
  async prepare({ server, stream, messages, bodyBytes, window, keys }) {
    const connection = new Connection(server);
    await connection.cursor().session();
    const publisher = new Publisher(connection, new Bind(stream));
    const body = bodyOf(bodyBytes);
    const random = new Random(messages);
    const numbers = new Uint32Array(keys);
    return {
      async work() {
        const start = performance.now();
        await keepInFlight(messages, window, () => {
          const key = random.below(keys);
          writeKeyed(body, { key, number: ++numbers[key]! });
          return publisher.sendMessage(body, { key: `k${key}` });
        });
        return { seconds: secondsSince(start), messages };
      },
      end: () => connection.close(),
    };
  },
});
