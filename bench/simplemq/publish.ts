import { Bind, Connection, Publisher } from '@simplemq/client';
import { bodyOf, keepInFlight, runRole, secondsSince } from '../role.ts';

/** Publishes with a window of unconfirmed messages over one connection. */
await runRole({
  async prepare({ server, stream, messages, bodyBytes, window, streamOptions }) {
    const connection = new Connection(server);
    await connection.cursor().createStream(stream, streamOptions);
    const publisher = new Publisher(connection, new Bind(stream));
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
