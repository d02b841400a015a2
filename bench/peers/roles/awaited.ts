import { bodyOf, oneByOne } from '../../role.ts';
import { runPeerRole } from '../peer-role.ts';
import { WARM_UP } from './warm-up.ts';

/** One publish after the other, each awaited. */
await runPeerRole(async ({ stream, messages, bodyBytes }, connect) => {
  const client = await connect();
  const body = bodyOf(bodyBytes);
  await oneByOne(Math.min(200, messages), () => client.publish(WARM_UP, body));
  return () => oneByOne(messages, () => client.publish(stream, body));
});
