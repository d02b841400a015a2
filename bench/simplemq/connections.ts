import { Bind, Connection, Publisher } from '@simplemq/client';
import { bodyOf, keepInFlight, runRole, secondsSince } from '../role.ts';

/** Many connections, each with one message under way at a time. */
await runRole({
  async prepare({ server, stream, messages, bodyBytes, connections }) {
    const all = Array.from({ length: connections }, () => new Connection(server));
    await all[0]!.cursor().createStream(stream);
    const publishers = all.map((connection) => new Publisher(connection, new Bind(stream)));
    const body = bodyOf(bodyBytes);
    await Promise.all(publishers.map((publisher) => publisher.sendMessage(body)));
    return {
      async work() {
        const each = Math.ceil(messages / connections);
        const start = performance.now();
        await Promise.all(
          publishers.map((publisher) => keepInFlight(each, 1, () => publisher.sendMessage(body))),
        );
        return { seconds: secondsSince(start), messages: each * connections };
      },
      end: async () => {
        await Promise.all(all.map((connection) => connection.close()));
      },
    };
  },
});
