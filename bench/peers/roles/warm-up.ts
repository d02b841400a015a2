import { keepInFlight } from '../../role.ts';
import type { Client } from '../client.ts';

/** A stream of its own for what is published before the clock runs. */
export const WARM_UP = 'warm-up';
const MESSAGES_MAX = 5_000;

export async function warmUp(client: Client, body: Buffer, messages: number): Promise<void> {
  const count = Math.min(messages, MESSAGES_MAX);
  await keepInFlight(count, count, () => client.publish(WARM_UP, body));
}
