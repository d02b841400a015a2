import type { Engine } from '../../src/engine/engine.ts';
import { readBack } from '../batches.ts';
import { byName } from './expected.ts';

/** What the engine tells of a stream, in the form of expected.ts. */
export async function toldInfo(engine: Engine, stream: string): Promise<object> {
  const { messages, nextSequence, firstSequence, delayed, groups, bytes } = await engine.streamInfo(stream);
  if (messages === 0 && bytes !== 0) throw new Error(`${stream} has no messages and ${bytes} bytes`);
  const told = groups.map(({ name, lag, pending, redelivered }) => ({ name, lag, pending, redelivered }));
  return { messages, nextSequence, firstSequence, delayed, groups: told.sort(byName) };
}

export async function toldFloor(engine: Engine, stream: string, group: string): Promise<number> {
  return (await engine.groupInfo(stream, group)).ackFloor;
}

/** @param keyOf the follower that the engine knows under an id */
export async function toldPending(
  engine: Engine,
  stream: string,
  group: string,
  keyOf: (id: number) => number | undefined,
): Promise<string[]> {
  const { entries } = await engine.pending({ stream, group });
  return entries.flatMap(({ first, last, attempt, follower }) => {
    const holder = follower === undefined ? 'nobody' : keyOf(follower);
    return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}@${attempt}:${holder}`);
  });
}

export async function toldRead(engine: Engine, stream: string): Promise<string[]> {
  const lines: string[] = [];
  let from = 1;
  for (;;) {
    const { runs, next, more } = await engine.read({ stream, startFrom: { sequence: from } });
    for (const run of runs)
      lines.push(...readBack(run).map(({ body }, index) => `${run.first + index} ${body}`));
    if (!more) return lines;
    from = next;
  }
}

export async function toldLetters(engine: Engine, stream: string): Promise<string[]> {
  const lines: string[] = [];
  let after = 0;
  for (;;) {
    const { runs, next, more } = await engine.deadLetters({ stream, after });
    for (const run of runs) {
      for (const { body, attributes } of readBack(run)) {
        const { group, sequence, cause, attempts } = attributes.dead!;
        lines.push(`${group}/${sequence} ${body}: ${cause} in ${attempts.at(-1)?.attempt ?? 'none'}`);
      }
    }
    if (!more) return lines.sort();
    after = next - 1;
  }
}
