import type { Engine, EngineFollower } from '@simplemq/broker';
import type { SentMessage } from '../trace/known-stream.ts';
import { messagesOf } from '../trace/records.ts';

export interface HeldMessage extends SentMessage {
  /** When the broker took it in. */
  readonly time: number;
}

/** Messages of a stream, by sequence number. */
export type Contents = ReadonlyMap<number, HeldMessage>;

const CREDIT = 2 ** 40;
const PAGE = 10_000;
/** After so many turns without a delivery there is nothing more to be delivered: no read of the store waits for a disk. */
const QUIET_TURNS = 3;

/** What the stream holds, but for what all of its groups have acked. */
export async function readAll(engine: Engine, stream: string): Promise<Contents> {
  const contents = new Map<number, HeldMessage>();
  for (let from: 'first' | { sequence: number } = 'first'; ; ) {
    const page = await engine.read({ stream, startFrom: from });
    for (const run of page.runs) {
      let sequence = run.first;
      for (const message of messagesOf(run, undefined))
        contents.set(sequence++, { ...message, time: run.time });
    }
    if (!page.more) return contents;
    from = { sequence: page.next };
  }
}

/** The ids of the messages that died in the stream, by sequence number of the dead-letter stream. */
export async function readLetters(engine: Engine, stream: string): Promise<Map<number, string>> {
  const letters = new Map<number, string>();
  for (let after = 0; ; ) {
    const page = await engine.deadLetters({ stream, after });
    for (const run of page.runs) {
      let sequence = run.first;
      for (const { id } of messagesOf(run, undefined)) letters.set(sequence++, id);
    }
    if (!page.more) return letters;
    after = page.next - 1;
  }
}

/** The ids of the messages that the stream gets later. */
export async function delayedIds(engine: Engine, stream: string): Promise<Set<number>> {
  const ids = new Set<number>();
  for (let after = 0; ; ) {
    const { entries, more } = await engine.listDelayed({ stream, after });
    for (const { id, messages } of entries) for (let i = 0; i < messages; i++) ids.add(id + i);
    if (!more) return ids;
    after = entries.at(-1)!.id + entries.at(-1)!.messages - 1;
  }
}

/** The sequence numbers that the group gets, now or after a retry's wait. */
export async function deliverable(engine: Engine, stream: string, group: string): Promise<Set<number>> {
  const sequences = new Set<number>();
  await addPending(engine, stream, group, sequences);
  let runs = 0;
  const request = { bind: { stream }, group, client: 'check', upTo: CREDIT, bytesUpTo: CREDIT };
  const follower: EngineFollower = await engine.follow(request, {
    deliver: ({ first, count }) => {
      runs++;
      for (let i = 0; i < count; i++) sequences.add(first + i);
      return true;
    },
    ended: () => {},
  });
  for (let quiet = 0, seen = 0; quiet < QUIET_TURNS; quiet++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (runs > seen) quiet = 0;
    seen = runs;
  }
  await addPending(engine, stream, group, sequences);
  follower.close();
  return sequences;
}

async function addPending(engine: Engine, stream: string, group: string, to: Set<number>): Promise<void> {
  for (let after = 0; ; ) {
    const { entries, more } = await engine.pending({ stream, group, after, limit: PAGE });
    for (const { first, last } of entries) {
      for (let sequence = first; sequence <= last; sequence++) to.add(sequence);
      after = Math.max(after, last);
    }
    if (!more) return;
  }
}
