import type { DeadLetter, DeadLetterFilter } from '@simplemq/protocol';
import type { Engine } from '../../src/engine/engine.ts';
import { messagesOf, type ReadMessage } from './asking.ts';
import { eventually } from './waiting.ts';

/** A dead letter of the stream `s`. */
export interface Letter extends ReadMessage {
  readonly dead: DeadLetter;
}

/** Those that match, read in pages. */
export async function lettersOf(engine: Engine, filter: DeadLetterFilter = {}): Promise<Letter[]> {
  const letters: Letter[] = [];
  for (let after = 0, more = true; more; ) {
    const page = await engine.deadLetters({ stream: 's', filter, after });
    letters.push(...messagesOf(page).map((read) => ({ ...read, dead: read.attributes.dead! })));
    after = page.next - 1;
    ({ more } = page);
  }
  return letters;
}

/** Settles when there are so many. */
export async function untilDead(engine: Engine, count: number): Promise<Letter[]> {
  await eventually(async () => (await lettersOf(engine)).length >= count);
  return lettersOf(engine);
}
