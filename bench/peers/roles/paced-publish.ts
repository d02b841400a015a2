import { setTimeout as sleep } from 'node:timers/promises';
import { bodyOf, secondsSince } from '../../role.ts';
import { runPeerRole } from '../peer-role.ts';
import { metronome } from './metronome.ts';
import { type PacedOrders, patienceMs, TICK_MS } from './pace.ts';
import { PacedSender } from './paced-sender.ts';
import { warmUp } from './warm-up.ts';

/**
 * Publishes at an even rate whether or not the server keeps up. Each body begins with when it was meant to be sent, so
 * that what waits for its place in the window counts as late.
 */
await runPeerRole<PacedOrders>(async (orders, connect) => {
  const client = await connect();
  await warmUp(client, bodyOf(orders.bodyBytes), 1_000, 1_000);
  return async () => {
    const start = performance.now();
    const sender = new PacedSender(client, orders);
    const sent = metronome(orders.seconds * (1_000 / TICK_MS), TICK_MS, (dueMs) => sender.tick(dueMs));
    await Promise.race([
      sent.then(() => sender.allConfirmed),
      sleep(patienceMs(orders.seconds), undefined, { ref: false }),
    ]);
    return { seconds: secondsSince(start), messages: sender.confirmed };
  };
});
