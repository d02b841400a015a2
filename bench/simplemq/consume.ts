import { Bind, Connection, Follower } from '@simplemq/client';
import { runRole, secondsSince } from '../role.ts';

/** One follower, everything at its defaults, acks each message; ends when the last ack is confirmed. */
await runRole({
  async prepare({ server, stream, messages }) {
    const connection = new Connection(server);
    await connection.cursor().createStream(stream);
    const follower = new Follower(connection, new Bind(stream));
    return {
      async work() {
        let start = 0;
        let count = 0;
        for await (const message of follower.getMessages()) {
          if (count === 0) start = performance.now();
          if (++count < messages) {
            message.ack();
            continue;
          }
          await message.ack();
          break;
        }
        return { seconds: secondsSince(start), messages };
      },
      end: () => connection.close(),
    };
  },
});
