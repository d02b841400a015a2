import { bodyOf, keepInFlight, secondsSince } from '../../role.ts';
import { inChunks } from '../client.ts';
import { runPeerRole } from '../peer-role.ts';
import { WARM_UP, WARM_UP_MESSAGES } from './warm-up.ts';

/** Many connections, each with one publish under way at a time. */
await runPeerRole(async ({ stream, messages, bodyBytes, connections }, connect) => {
  const wanted = Array.from({ length: connections }, (_, index) => index);
  const clients: Awaited<ReturnType<typeof connect>>[] = [];
  await inChunks(wanted, 10, async () => clients.push(await connect()));
  const body = bodyOf(bodyBytes);
  const warmUpEach = Math.ceil(Math.min(messages, WARM_UP_MESSAGES) / connections);
  await Promise.all(
    clients.map((client) => keepInFlight(warmUpEach, 1, () => client.publish(WARM_UP, body))),
  );
  return async () => {
    const each = Math.ceil(messages / connections);
    const start = performance.now();
    await Promise.all(clients.map((client) => keepInFlight(each, 1, () => client.publish(stream, body))));
    return { seconds: secondsSince(start), messages: each * connections };
  };
});
