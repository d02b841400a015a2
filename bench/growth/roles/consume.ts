import { Bind, Connection, Follower } from '@simplemq/client';
import { runRole, secondsSince } from '../../role.ts';
import { takeAll } from './take-all.ts';
import { warmUp } from './warm-up.ts';

/** One follower, everything at its defaults; from asking to follow until the last ack is confirmed. */
await runRole({
  async prepare({ server, stream, messages }) {
    const connection = new Connection(server);
    await warmUp(connection);
    const follower = new Follower(connection, new Bind(stream));
    return {
      async work() {
        const start = performance.now();
        await takeAll(follower, messages);
        return { seconds: secondsSince(start), messages };
      },
      end: () => connection.close(),
    };
  },
});
