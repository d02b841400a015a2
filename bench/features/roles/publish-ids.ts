import { randomBytes } from 'node:crypto';
import { Bind, Connection, Publisher } from '@simplemq/client';
import { bodyOf, keepInFlight, runRole, secondsSince } from '../../role.ts';

/** As publish, each message with an id of some 24 characters that no other has. */
await runRole({
  async prepare({ server, stream, messages, bodyBytes, window }) {
    const connection = new Connection(server);
    await connection.cursor().session();
    const publisher = new Publisher(connection, new Bind(stream));
    const body = bodyOf(bodyBytes);
    const prefix = randomBytes(12).toString('base64url');
    return {
      async work() {
        let sent = 0;
        const start = performance.now();
        await keepInFlight(messages, window, () =>
          publisher.sendMessage(body, { messageId: `${prefix}-${sent++}` }),
        );
        return { seconds: secondsSince(start), messages };
      },
      end: () => connection.close(),
    };
  },
});
