import { Bind, Connection, Follower } from '@simplemq/client';
import { type Figures, type Orders, runRole, secondsSince } from '../../role.ts';

export interface ReplayOrders extends Orders {
  readonly group: string;
  /** What was taken in from then on is delivered; in ms since 1970 UTC. */
  readonly time: number;
}

export interface ReplayFigures extends Figures {
  /** From asking to follow, over a connection that was there, to the first message. */
  readonly firstMs: number;
  readonly firstSequence: number;
}

/** One follower of a new group; ends when it has acked so many messages. */
await runRole<ReplayOrders, ReplayFigures>({
  async prepare({ server, stream, messages, group, time }) {
    const connection = new Connection(server);
    await connection.cursor().session();
    const follower = new Follower(connection, new Bind(stream), { group, startFrom: { time } });
    return {
      async work() {
        const start = performance.now();
        let firstMs = 0;
        let firstSequence = 0;
        let count = 0;
        for await (const message of follower.getMessages()) {
          if (count === 0) {
            firstMs = performance.now() - start;
            firstSequence = message.sequence;
          }
          if (++count < messages) {
            message.ack();
            continue;
          }
          await message.ack();
          break;
        }
        return { seconds: secondsSince(start), messages, firstMs, firstSequence };
      },
      end: () => connection.close(),
    };
  },
});
