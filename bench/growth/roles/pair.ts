import { Bind, Connection, Follower, Publisher } from '@simplemq/client';
import { bodyOf, keepInFlight, runRole, secondsSince } from '../../role.ts';
import { takeAll } from './take-all.ts';
import { warmUp } from './warm-up.ts';

/** A publisher and a follower of the same stream, each over its connection; from the first message to the last ack. */
await runRole({
  async prepare({ server, stream, messages, bodyBytes, window }) {
    const publishing = new Connection(server);
    const following = new Connection(server);
    await publishing.cursor().createStream(stream);
    await warmUp(following);
    const publisher = new Publisher(publishing, new Bind(stream));
    const follower = new Follower(following, new Bind(stream));
    const body = bodyOf(bodyBytes);
    return {
      async work() {
        const start = performance.now();
        await Promise.all([
          takeAll(follower, messages),
          keepInFlight(messages, window, () => publisher.sendMessage(body)),
        ]);
        return { seconds: secondsSince(start), messages };
      },
      end: async () => {
        await Promise.all([publishing.close(), following.close()]);
      },
    };
  },
});
