import type { DeadLetter } from '@simplemq/protocol';
import { readBack } from '../../packages/broker/test/batches.ts';
import type { Random } from './random.ts';
import type { StreamBook } from './stream-book.ts';
import type { World } from './world.ts';

/** A dead letter, as it is listed. */
export interface Letter {
  /** Of the dead-letter stream. */
  readonly id: number;
  readonly body: string;
  readonly dead: DeadLetter;
}

/** All dead letters of a stream; what has died by now is among them. */
export async function listLetters(world: World, stream: StreamBook): Promise<Letter[]> {
  const letters: Letter[] = [];
  for (let after = 0, more = true; more; ) {
    const page = await world.engine.deadLetters({ stream: stream.name, after });
    for (const run of page.runs) {
      readBack(run).forEach(({ body, attributes }, index) => {
        letters.push({ id: run.first + index, body, dead: attributes.dead! });
      });
    }
    after = page.next - 1;
    more = page.more;
  }
  for (const { dead } of letters) {
    const book = stream.groups.get(dead.group);
    const progress = book?.get(dead.sequence);
    if (progress !== undefined && book!.mayHaveDied(progress)) progress.state = 'dying';
    if (progress?.state === 'dying' && !progress.isBuried) book!.buried(progress);
  }
  return letters;
}

/** Redrives some of the dead letters, or deletes them. */
export async function takeLetters(world: World, what: 'redrive' | 'delete', random: Random): Promise<void> {
  const stream = world.main;
  const letters = await listLetters(world, stream);
  const taken = letters.filter(({ id, dead }) => {
    return stream.groups.has(dead.group) && !stream.lettersAskedFor.has(id) && !random.once(3);
  });
  const [first] = taken;
  if (first === undefined) return;
  const page = { stream: stream.name, filter: { sequences: taken.map(({ id }) => id) } };
  const change = (by: 1 | -1): void => {
    if (what === 'delete') return;
    for (const { body, dead } of taken) {
      const key = `${dead.group} ${body}`;
      stream.redriven.set(key, (stream.redriven.get(key) ?? 0) + by);
    }
  };
  const takeAway = (): void => {
    for (const { dead } of taken) stream.takenLetters.add(`${dead.group} ${dead.sequence}`);
  };
  change(1);
  for (const { id } of taken) stream.lettersAskedFor.add(id);
  const release = (): void => {
    for (const { id } of taken) stream.lettersAskedFor.delete(id);
  };
  const request = what === 'redrive' ? world.engine.redrive(page) : world.engine.deleteDeadLetters(page);
  world.ask(request, {
    answered: ({ messages }) => {
      release();
      if (messages !== taken.length)
        throw new Error(`${what} took ${messages} dead letters of ${taken.length}`);
      takeAway();
      if (what === 'redrive')
        for (const { body, dead } of taken) stream.sureRedriven.push(`${dead.group} ${body}`);
    },
    refused: ({ code }) => {
      release();
      change(-1);
      return code === 'StreamFull' && world.settings.limit === 'reject';
    },
    crashed: () => {
      release();
      takeAway();
    },
  });
}
