import { Bind, Connection, Publisher } from '@simplemq/client';
import { bodyOf, keepInFlight, runRole, secondsSince } from '../../role.ts';
import { HIT_STREAMS, hitStream } from './hit-streams.ts';

/** Each message is published once to each of the streams. */
await runRole({
  async prepare({ server, messages, bodyBytes, window }) {
    const connection = new Connection(server);
    await connection.cursor().session();
    const publishers = Array.from(
      { length: HIT_STREAMS },
      (_, index) => new Publisher(connection, new Bind(hitStream(index))),
    );
    const body = bodyOf(bodyBytes);
    return {
      async work() {
        const start = performance.now();
        await keepInFlight(messages, window, () =>
          Promise.all(publishers.map((publisher) => publisher.sendMessage(body))),
        );
        return { seconds: secondsSince(start), messages };
      },
      end: () => connection.close(),
    };
  },
});
