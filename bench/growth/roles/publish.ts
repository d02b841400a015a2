import { Bind, Connection, Publisher } from '@simplemq/client';
import { bodyOf, keepInFlight, runRole, secondsSince } from '../../role.ts';
import { warmUp } from './warm-up.ts';

/** As the role of the other benchmarks, warmed up. */
await runRole({
  async prepare({ server, stream, messages, bodyBytes, window }) {
    const connection = new Connection(server);
    await connection.cursor().createStream(stream);
    await warmUp(connection);
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
