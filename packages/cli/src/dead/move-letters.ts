import type { LettersProgress } from '@simplemq/client';
import { CommandError } from '../command-error.ts';
import { errorText } from '../error-text.ts';
import { count, counted } from '../terminal/amounts.ts';
import { barText, openProgressBar } from '../terminal/progress-bar.ts';

/** What is moved, and what became of it then. */
export interface MoveWords {
  /** As 'redriven'. */
  readonly done: string;
  /** All of a stream's: so that it is known how many there are. */
  readonly isAll: boolean;
}

/**
 * Moves dead letters, with a bar where there is a terminal.
 *
 * @returns how many
 * @throws CommandError that tells how many were moved before
 */
export async function moveLetters(
  { done, isAll }: MoveWords,
  move: (onProgress: (progress: LettersProgress) => void) => Promise<number>,
): Promise<number> {
  let progress: LettersProgress = { moved: 0, total: 0 };
  const bar = openProgressBar(() => line(progress, done, isAll));
  try {
    return await move((now) => {
      progress = now;
    });
  } catch (error) {
    if (progress.moved === 0) throw error;
    const before = `${counted(progress.moved, 'dead letter')} ${progress.moved === 1 ? 'was' : 'were'}`;
    throw new CommandError(`${errorText(error)}; ${before} ${done} before that`, { cause: error });
  } finally {
    bar.stop();
  }
}

function line({ moved, total }: LettersProgress, done: string, isAll: boolean): string {
  // Of a filter nobody knows how many it will find.
  if (!isAll || total === 0) return `${counted(moved, 'dead letter')} ${done}`;
  return `${barText(moved / total)}  ${count(moved)} of ${counted(total, 'dead letter')} ${done}`;
}
