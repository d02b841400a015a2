import { setTimeout as sleep } from 'node:timers/promises';
import type { Cursor } from '@simplemq/client';
import { now } from './history/facts.ts';
import type { Violation } from './history/violation.ts';
import type { Load } from './load/load.ts';
import { STREAMS } from './load/streams.ts';

const DRAIN_LOOK_MS = 50;
/**
 * Without any progress for this long the streams will not drain any more. A message that many faults have hit waits for
 * its next attempt for half a minute, the longest delay of a group that was given no other.
 */
const DRAIN_STALL_MS = 45_000;

/** Of what is pending, so much is told. */
const PENDING_SHOWN = 20;

/** Publishers finish, workers work off what there is. @returns the streams that would not drain */
export async function drain(load: Load, cursor: Cursor): Promise<Violation[]> {
  await Promise.race([load.stop('publishers'), load.failed()]);
  let before = '';
  let since = now();
  for (;;) {
    const streams = await Promise.all(STREAMS.map((stream) => cursor.streamInfo(stream)));
    const left = streams.filter(({ messages }) => messages > 0);
    if (left.length === 0) break;
    const progress = JSON.stringify(left.map(({ name, messages }) => [name, messages]));
    if (progress !== before) since = now();
    before = progress;
    if (now() - since > DRAIN_STALL_MS) {
      return Promise.all(left.map(({ name }) => stuck(cursor, name)));
    }
    await Promise.race([sleep(DRAIN_LOOK_MS), load.failed()]);
  }
  await load.stop('workers');
  return [];
}

/** What is left of a stream, and with whom. */
async function stuck(cursor: Cursor, name: string): Promise<Violation> {
  const { messages, groups } = await cursor.streamInfo(name);
  const pending = await cursor.pending(name, { limit: PENDING_SHOWN });
  return { rule: 'notDrained', text: `${name}: ${JSON.stringify({ messages, groups, pending })}` };
}
