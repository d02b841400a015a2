import type { Cursor, DeadLetterMessage } from '@simplemq/client';
import type { Letter } from './check-chain.ts';
import { INPUTS, type Job, RESULTS, STAGES, type Stage } from './jobs.ts';

export async function readResults(cursor: Cursor): Promise<Job[]> {
  const results: Job[] = [];
  for await (const { body } of cursor.browse<Job>(RESULTS)) results.push(body);
  return results;
}

/** The dead letters of all stages. */
export async function readLetters(cursor: Cursor): Promise<Letter[]> {
  const ofStages = STAGES.map(async (stage) => {
    const letters = await cursor.deadLetters<Job>(INPUTS[stage], { limit: Number.MAX_SAFE_INTEGER });
    return letters.map((letter) => letterOf(stage, letter));
  });
  return (await Promise.all(ofStages)).flat();
}

/** Puts these back into the streams in which they died. */
export async function redrive(cursor: Cursor, letters: readonly Letter[]): Promise<void> {
  for (const [stage, its] of Map.groupBy(letters, (letter) => letter.stage)) {
    const sequences = its.map(({ sequence }) => sequence);
    const moved = await cursor.redrive(INPUTS[stage], { sequences });
    if (moved !== its.length)
      throw new Error(`${moved} of ${its.length} dead letters of ${stage} were redriven`);
  }
}

/** How many messages the streams of the stages hold, and their dead-letter streams; changes while anything moves. */
export async function depths(cursor: Cursor): Promise<{ readonly left: number; readonly progress: string }> {
  const streams = await Promise.all(STAGES.map((stage) => cursor.streamInfo(INPUTS[stage])));
  const left = streams.reduce((sum, { messages }) => sum + messages, 0);
  const { nextSequence } = await cursor.streamInfo(RESULTS);
  return { left, progress: [...streams.map(({ messages }) => messages), nextSequence].join(' ') };
}

function letterOf(stage: Stage, letter: DeadLetterMessage<Job>): Letter {
  const { sequence, cause, attempts, body } = letter;
  return { stage, sequence, number: body.number, cause, attempts };
}
