import {
  type DelayedEntry,
  decodeDelayedCancelled,
  decodeDelayedListed,
  encodeCancelDelayed,
  encodeListDelayed,
  Opcode,
} from '@simplemq/protocol';
import { wholeNumber } from '../connection/options.ts';
import { wholeNumbers } from '../wire-options.ts';
import type { Ask } from './ask.ts';

/** Messages that enter their stream later, all at the same time: they have the ids from `id` to `id + messages - 1`. */
export interface DelayedMessages {
  /** Of the first, as its receipt tells it. */
  readonly id: number;
  readonly messages: number;
  /** What they take, encoded. */
  readonly bytes: number;
  readonly deliverAt: Date;
}

const LIMIT_DEFAULT = 1_000;
/** So many ids go in one request. */
const IDS_MAX = 10_000;

export async function listDelayed(
  ask: Ask,
  stream: string,
  limit: number = LIMIT_DEFAULT,
): Promise<DelayedMessages[]> {
  const wanted = wholeNumber('limit', limit, 1, Number.MAX_SAFE_INTEGER);
  const entries: DelayedEntry[] = [];
  for (let more = true; more && entries.length < wanted; ) {
    const after = entries.at(-1)?.id;
    const request = { stream, limit: wanted - entries.length, ...(after !== undefined && { after }) };
    const page = await ask({
      opcode: Opcode.ListDelayed,
      what: `for the delayed messages of '${stream}'`,
      encode: (id) => encodeListDelayed(id, request),
      decode: decodeDelayedListed,
      repeatable: true,
    });
    entries.push(...page.entries);
    more = page.more && page.entries.length > 0;
  }
  return entries.map((entry) => ({ ...entry, deliverAt: new Date(entry.deliverAt) }));
}

export async function cancelDelayed(ask: Ask, stream: string, ids: readonly number[]): Promise<number> {
  wholeNumbers('ids', ids);
  let cancelled = 0;
  for (let start = 0; start < ids.length; start += IDS_MAX) {
    const some = ids.slice(start, start + IDS_MAX);
    const reply = await ask({
      opcode: Opcode.CancelDelayed,
      what: `to cancel delayed messages of '${stream}'`,
      encode: (id) => encodeCancelDelayed(id, { stream, ids: some }),
      decode: decodeDelayedCancelled,
      repeatable: false,
    });
    cancelled += reply.messages;
  }
  return cancelled;
}
