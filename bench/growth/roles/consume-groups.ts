import { Bind, Connection, Follower } from '@simplemq/client';
import { runRole, secondsSince } from '../../role.ts';
import type { GrowthOrders } from './orders.ts';
import { takeAll } from './take-all.ts';
import { warmUp } from './warm-up.ts';

export interface GroupsOrders extends GrowthOrders {
  readonly groups: readonly string[];
}

/** A follower for each group, over connections of their own; ends when each has acked all messages. */
await runRole<GroupsOrders, { seconds: number; messages: number }>({
  async prepare({ server, stream, messages, groups }) {
    const connections = groups.map(() => new Connection(server));
    await Promise.all(connections.map((connection) => connection.cursor().session()));
    await warmUp(connections[0]!);
    const bind = new Bind(stream);
    const followers = groups.map((group, index) => new Follower(connections[index]!, bind, { group }));
    return {
      async work() {
        const start = performance.now();
        await Promise.all(followers.map((follower) => takeAll(follower, messages)));
        return { seconds: secondsSince(start), messages: messages * groups.length };
      },
      end: async () => {
        await Promise.all(connections.map((connection) => connection.close()));
      },
    };
  },
});
