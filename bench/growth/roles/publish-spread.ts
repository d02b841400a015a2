import { Bind, Connection, Publisher } from '@simplemq/client';
import { Random } from '../../../tests/fuzz/random.ts';
import { bodyOf, keepInFlight, runRole, secondsSince } from '../../role.ts';
import type { StreamsOrders } from './create-streams.ts';
import { streamName } from './stream-name.ts';
import { warmUp } from './warm-up.ts';

const MESSAGES_A_BATCH = 10;

/** Batches, each to one stream at random, over one connection. */
await runRole<StreamsOrders, { seconds: number; messages: number }>({
  async prepare({ server, streams, messages, bodyBytes, window }) {
    const connection = new Connection(server);
    await warmUp(connection);
    const publishers = Array.from(
      { length: streams },
      (_, index) => new Publisher(connection, new Bind(streamName(index))),
    );
    const random = new Random(streams);
    const bodies = Array.from({ length: MESSAGES_A_BATCH }, () => bodyOf(bodyBytes));
    return {
      async work() {
        const start = performance.now();
        await keepInFlight(messages / MESSAGES_A_BATCH, window / MESSAGES_A_BATCH, () =>
          publishers[random.below(streams)]!.sendMessages(bodies),
        );
        return { seconds: secondsSince(start), messages };
      },
      end: () => connection.close(),
    };
  },
});
