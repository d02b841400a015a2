import { Bind, Connection, Follower } from '@simplemq/client';
import { type Orders, runRole, secondsSince } from '../../role.ts';

export interface GroupsOrders extends Orders {
  readonly groups: readonly string[];
}

/** A follower for each group, over connections of their own; ends when each has acked all messages. */
await runRole<GroupsOrders, { seconds: number; messages: number }>({
  async prepare({ server, stream, messages, groups }) {
    const connections = groups.map(() => new Connection(server));
    await Promise.all(connections.map((connection) => connection.cursor().session()));
    return {
      async work() {
        const start = performance.now();
        await Promise.all(
          groups.map((group, index) => {
            const follower = new Follower(connections[index]!, new Bind(stream), { group });
            return consume(follower, messages);
          }),
        );
        return { seconds: secondsSince(start), messages: messages * groups.length };
      },
      end: async () => {
        await Promise.all(connections.map((connection) => connection.close()));
      },
    };
  },
});

async function consume(follower: Follower, messages: number): Promise<void> {
  let count = 0;
  for await (const message of follower.getMessages()) {
    if (++count < messages) {
      message.ack();
      continue;
    }
    await message.ack();
    break;
  }
}
