import { bodyOf, oneByOne } from '../../role.ts';
import { runPeerRole } from '../peer-role.ts';
import { WARM_UP, WARM_UP_MESSAGES } from './warm-up.ts';

/** One publish after the other, each awaited. */
await runPeerRole(async ({ stream, messages, bodyBytes }, connect) => {
  const client = await connect();
  const body = bodyOf(bodyBytes);
  await oneByOne(Math.min(WARM_UP_MESSAGES, messages), () => client.publish(WARM_UP, body));
  return () => oneByOne(messages, () => client.publish(stream, body));
});
