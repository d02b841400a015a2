import { secondsSince } from '../../role.ts';
import type { Client } from '../client.ts';
import { type PeerOrders, runPeerRole } from '../peer-role.ts';

/**
 * So many followers of each group, over connections of their own. Time runs from the first message to the last ack of
 * all; `messages` are those of one group.
 */
await runPeerRole<PeerOrders>(async ({ stream, family, messages, connections, topology }, connect) => {
  const followers: { client: Client; group: string }[] = [];
  for (const group of topology.groups) {
    for (let i = 0; i < connections; i++) followers.push({ client: await connect(), group });
  }
  return async () => {
    const { promise: allCame, resolve } = Promise.withResolvers<void>();
    const wanted = messages * topology.groups.length;
    let count = 0;
    let start = 0;
    const onMessage = (): void => {
      if (count === 0) start = performance.now();
      if (++count === wanted) resolve();
    };
    const consumers = await Promise.all(
      followers.map(({ client, group }) => client.consume({ from: family ?? stream, group }, onMessage)),
    );
    await allCame;
    await Promise.all(consumers.map((consumer) => consumer.settled()));
    return { seconds: secondsSince(start), messages: wanted };
  };
});
