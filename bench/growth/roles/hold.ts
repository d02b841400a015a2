import { Bind, Connection, Follower, type Message } from '@simplemq/client';
import { type Figures, runRole, secondsSince } from '../../role.ts';
import { settledBytes } from '../memory.ts';
import type { GrowthOrders } from './orders.ts';
import { warmUp } from './warm-up.ts';

export interface HoldOrders extends GrowthOrders {
  /** One message of so many is acked first, and the others when that is done; 1: all at once. */
  readonly ackEvery: number;
}

/** Bytes are the broker’s memory. */
export interface HoldFigures extends Figures {
  readonly deliverSeconds: number;
  readonly heldBytes: number;
  readonly firstAcksSeconds: number;
  readonly betweenBytes: number;
  readonly lastAcksSeconds: number;
}

/** Longer than any run, so that no lease ends. */
const LEASE_MS = 3_600_000;

/** Takes all messages without an ack, and then acks them, in one go or in two. */
await runRole<HoldOrders, HoldFigures>({
  async prepare({ server, pid, stream, messages, ackEvery }) {
    const connection = new Connection(server);
    await warmUp(connection);
    const follower = new Follower(connection, new Bind(stream), { leaseMs: LEASE_MS });
    return {
      async work() {
        const start = performance.now();
        const iterator = follower.getMessages();
        const held: Message[] = [];
        for (let count = 0; count < messages; count++) held.push((await iterator.next()).value!);
        const deliverSeconds = secondsSince(start);
        const heldBytes = await settledBytes(pid);
        const firstAcksSeconds = await acked(held.filter((_, index) => index % ackEvery === 0));
        const betweenBytes = await settledBytes(pid);
        const lastAcksSeconds = await acked(held.filter((_, index) => index % ackEvery !== 0));
        const seconds = secondsSince(start);
        await iterator.return!();
        return {
          seconds,
          messages,
          deliverSeconds,
          heldBytes,
          firstAcksSeconds,
          betweenBytes,
          lastAcksSeconds,
        };
      },
      end: () => connection.close(),
    };
  },
});

/** @returns the seconds until all of the acks are confirmed */
async function acked(messages: readonly Message[]): Promise<number> {
  const start = performance.now();
  let last: Promise<void> | undefined;
  for (const message of messages) last = message.ack();
  // What is settled earlier over a connection is done earlier.
  await last;
  return secondsSince(start);
}
