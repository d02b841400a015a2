import { bodyOf, keepInFlight, secondsSince } from '../../role.ts';
import { runPeerRole } from '../peer-role.ts';
import { warmUp } from './warm-up.ts';

/** Each message goes to every stream of a family. */
await runPeerRole(async ({ family, messages, bodyBytes, window }, connect) => {
  const client = await connect();
  const body = bodyOf(bodyBytes);
  await warmUp(client, body, window, window);
  return async () => {
    const start = performance.now();
    await keepInFlight(messages, window, () => client.publishToAll(family!, body));
    return { seconds: secondsSince(start), messages };
  };
});
