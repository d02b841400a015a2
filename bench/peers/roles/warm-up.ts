import { keepInFlight } from '../../role.ts';
import type { Client } from '../client.ts';

/** A stream of its own for what is published before the clock runs. */
export const WARM_UP = 'warm-up';
export const WARM_UP_MESSAGES = 15_000;

export async function warmUp(client: Client, body: Buffer, messages: number): Promise<void> {
  const count = Math.min(messages, WARM_UP_MESSAGES);
  await keepInFlight(count, count, () => client.publish(WARM_UP, body));
}
