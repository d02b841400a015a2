import { randomBytes } from 'node:crypto';
import { Bind, Connection, Publisher } from '@simplemq/client';
import { bodyOf, keepInFlight, runRole, secondsSince } from '../../role.ts';

/** 24 characters in base64. */
const ID_BYTES = 18;

/** As publish, each message with an id at random, as UUIDs are; they are made before the clock runs. */
await runRole({
  async prepare({ server, stream, messages, bodyBytes, window }) {
    const connection = new Connection(server);
    await connection.cursor().session();
    const publisher = new Publisher(connection, new Bind(stream));
    const body = bodyOf(bodyBytes);
    const ids = Array.from({ length: messages }, () => randomBytes(ID_BYTES).toString('base64url'));
    return {
      async work() {
        let sent = 0;
        const start = performance.now();
        await keepInFlight(messages, window, () => publisher.sendMessage(body, { messageId: ids[sent++]! }));
        return { seconds: secondsSince(start), messages };
      },
      end: () => connection.close(),
    };
  },
});
