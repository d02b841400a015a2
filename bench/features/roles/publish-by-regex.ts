import { Bind, Connection, Publisher } from '@simplemq/client';
import { bodyOf, keepInFlight, runRole, secondsSince } from '../../role.ts';

/** Each message reaches all streams that the pattern matches. */
await runRole({
  async prepare({ server, messages, bodyBytes, window }) {
    const connection = new Connection(server);
    await connection.cursor().session();
    const publisher = new Publisher(connection, new Bind(/^hit\./));
    const body = bodyOf(bodyBytes);
    return {
      async work() {
        const start = performance.now();
        await keepInFlight(messages, window, () => publisher.sendMessage(body));
        return { seconds: secondsSince(start), messages };
      },
      end: () => connection.close(),
    };
  },
});
