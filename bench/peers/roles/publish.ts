import { bodyOf, keepInFlight, secondsSince } from '../../role.ts';
import { namesOf } from '../client.ts';
import { runPeerRole } from '../peer-role.ts';
import { warmUp } from './warm-up.ts';

/** Publishes with a window of unconfirmed messages over one connection, to one stream or to those of a family in turn. */
await runPeerRole(async ({ stream, family, messages, bodyBytes, window }, connect) => {
  const client = await connect();
  const body = bodyOf(bodyBytes);
  const names = family === undefined ? [stream] : namesOf(family);
  await warmUp(client, body, Math.ceil(messages / 4), window);
  return async () => {
    let turn = 0;
    const start = performance.now();
    await keepInFlight(messages, window, () => client.publish(names[turn++ % names.length]!, body));
    return { seconds: secondsSince(start), messages };
  };
});
