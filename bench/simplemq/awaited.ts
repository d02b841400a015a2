import { Bind, Connection, Publisher } from '@simplemq/client';
import { bodyOf, oneByOne, runRole } from '../role.ts';

/** One message after the other, each awaited. */
await runRole({
  async prepare({ server, stream, messages, bodyBytes }) {
    const connection = new Connection(server);
    await connection.cursor().createStream(stream);
    const publisher = new Publisher(connection, new Bind(stream));
    const body = bodyOf(bodyBytes);
    for (let i = 0; i < 200; i++) await publisher.sendMessage(body);
    return {
      work: () => oneByOne(messages, () => publisher.sendMessage(body)),
      end: () => connection.close(),
    };
  },
});
