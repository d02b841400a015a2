import { decodePendingReply, encodePending, Opcode, type PendingRange } from '@simplemq/protocol';
import { checkPendingFilter } from '../wire-options.ts';
import type { Ask } from './ask.ts';

export interface PendingFilter {
  /** Default workers. */
  group?: string;
  /** Only what this follower holds. */
  follower?: number;
  /** Only what was delivered at least so many milliseconds ago. */
  idleMs?: number;
  /** At most so many messages. Default 1,000. */
  limit?: number;
}

/** A message that was delivered and is not acked. */
export interface PendingMessage {
  readonly sequence: number;
  /** Who has the lease; undefined while the message waits for its redelivery. */
  readonly follower: number | undefined;
  /** The name of that follower's client. */
  readonly client: string | undefined;
  readonly attempt: number;
  /** Milliseconds since its delivery. */
  readonly idleMs: number;
}

const LIMIT_DEFAULT = 1_000;

export async function pending(ask: Ask, stream: string, filter: PendingFilter): Promise<PendingMessage[]> {
  checkPendingFilter(filter);
  const { limit = LIMIT_DEFAULT, ...rest } = filter;
  const messages: PendingMessage[] = [];
  for (let more = true; more && messages.length < limit; ) {
    const after = messages.at(-1)?.sequence;
    const request = {
      stream,
      ...rest,
      limit: limit - messages.length,
      ...(after !== undefined && { after }),
    };
    const page = await ask({
      opcode: Opcode.Pending,
      what: `for the pending entries of '${stream}'`,
      encode: (id) => encodePending(id, request),
      decode: decodePendingReply,
      repeatable: true,
    });
    for (const range of page.entries) appendMessages(messages, range, limit);
    more = page.more && page.entries.length > 0;
  }
  return messages;
}

function appendMessages(messages: PendingMessage[], range: PendingRange, limit: number): void {
  const { first, last, follower, client, attempt, idleMs } = range;
  for (let sequence = first; sequence <= last && messages.length < limit; sequence++) {
    messages.push({ sequence, follower, client, attempt, idleMs });
  }
}
