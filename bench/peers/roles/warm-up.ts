import { keepInFlight } from '../../role.ts';
import type { Client } from '../client.ts';

/** A stream of its own for what is published before the clock runs. */
export const WARM_UP = 'warm-up';
export const WARM_UP_MESSAGES = 15_000;

/** A server, a client and their compilers at work are what is measured, and not their first moments. */
export async function warmUp(client: Client, body: Buffer, messages: number, window: number): Promise<void> {
  await keepInFlight(messages, window, () => client.publish(WARM_UP, body));
}
