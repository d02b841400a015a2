import { Bind, Connection, Publisher } from '@simplemq/client';
import { Random } from '../../../tests/fuzz/random.ts';
import { bodyOf, keepInFlight, type Orders, runRole, secondsSince } from '../../role.ts';

export interface DelayedOrders extends Orders {
  readonly delayMsMin: number;
  readonly delayMsMax: number;
}

/** As publish, each message with a delay of its own. */
await runRole<DelayedOrders, { seconds: number; messages: number }>({
  async prepare({ server, stream, messages, bodyBytes, window, delayMsMin, delayMsMax }) {
    const connection = new Connection(server);
    await connection.cursor().session();
    const publisher = new Publisher(connection, new Bind(stream));
    const body = bodyOf(bodyBytes);
    const random = new Random(messages);
    return {
      async work() {
        const start = performance.now();
        await keepInFlight(messages, window, () =>
          publisher.sendMessage(body, { delayMs: delayMsMin + random.below(delayMsMax - delayMsMin) }),
        );
        return { seconds: secondsSince(start), messages };
      },
      end: () => connection.close(),
    };
  },
});
