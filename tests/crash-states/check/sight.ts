import type { Engine } from '@simplemq/broker';
import type { KnownStream } from '../trace/known-stream.ts';
import { type Contents, delayedIds, deliverable, readAll, readLetters } from './contents.ts';

/** What a broker shows of a stream after a crash. */
export interface Sight {
  readonly contents: Contents;
  /** By id of the message, its sequence number. */
  readonly byId: ReadonlyMap<string, number>;
  readonly delayed: ReadonlySet<number>;
  /** By group that is known, what it gets; and how often a message of it may fail. */
  readonly gets: ReadonlyMap<string, ReadonlySet<number>>;
  readonly maxDeliveries: ReadonlyMap<string, number | undefined>;
  /** As they were before the stream was looked at: what dies meanwhile is still in its contents. */
  readonly letters: ReadonlyMap<number, string>;
  /** The ids of those before and after it. */
  readonly dead: ReadonlySet<string>;
  readonly highest: number;
}

export async function see(engine: Engine, { name, groups }: KnownStream): Promise<Sight> {
  const letters = await readLetters(engine, name);
  // What becomes due in between is on the stream, then.
  const delayed = await delayedIds(engine, name);
  const contents = await readAll(engine, name);
  const listed = await engine.listGroups(name);
  const gets = new Map<string, ReadonlySet<number>>();
  for (const { name: group } of listed) {
    if (groups.has(group)) gets.set(group, await deliverable(engine, name, group));
  }
  const after = await readLetters(engine, name);
  return {
    contents,
    byId: new Map([...contents].map(([sequence, { id }]) => [id, sequence])),
    delayed,
    gets,
    maxDeliveries: new Map(listed.map(({ name: group, options }) => [group, options.retry?.maxDeliveries])),
    letters,
    dead: new Set([...letters.values(), ...after.values()]),
    highest: Math.max(0, ...contents.keys()),
  };
}
