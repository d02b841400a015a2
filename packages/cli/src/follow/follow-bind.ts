import { type Bind, type Connection, Follower, type FollowerOptions } from '@simplemq/client';
import type { MessageLine } from '../messages/message-line.ts';
import { AckingWriter } from './acking-writer.ts';

export interface FollowOptions {
  readonly line: MessageLine;
  readonly acks: boolean;
  /** Ends after so many. Default: never. */
  readonly count: number;
  /** Ends it; what was not written goes back. */
  readonly stop: AbortSignal;
  /** In which group, and how that is. */
  readonly follower: FollowerOptions;
}

/**
 * What is delivered is written within moments, or when the reader of the pipe reads on; and a connection that is lost
 * gives it back at once. So a lease need not end by itself, and must not while somebody reads a page.
 */
const LEASE_MS: number = 24 * 60 * 60 * 1000;

/**
 * Writes the messages of a bind until it is stopped, has `count`, or nobody reads any more.
 *
 * @returns how many were written
 */
export async function followBind(
  connection: Connection,
  bind: Bind,
  options: FollowOptions,
): Promise<number> {
  const { line, acks, count, stop } = options;
  let taken = 0;
  let isOver = stop.aborted;
  const ended = new AbortController();
  /** The follower ends after the writer: leases that it gives back can no longer be acked. */
  const end = async (): Promise<void> => {
    isOver = true;
    await writer.settled();
    ended.abort();
  };
  const writer = new AckingWriter({ acks, onEnd: end });
  stop.addEventListener('abort', end, { once: true });
  const follower = new Follower(connection, bind, { ...options.follower, leaseMs: LEASE_MS });
  for await (const message of follower.getMessages({ signal: ended.signal })) {
    if (!isOver) {
      const room = writer.add(message, line(message));
      taken++;
      if (room !== undefined) await room;
    }
    if (isOver || taken >= count) {
      await writer.settled();
      break;
    }
  }
  if (writer.failure !== undefined) throw writer.failure.error;
  return taken;
}
