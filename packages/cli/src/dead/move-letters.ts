import type { LettersProgress } from '@simplemq/client';
import { CommandError } from '../command-error.ts';
import { errorText } from '../error-text.ts';
import { count, counted } from '../terminal/amounts.ts';
import { barText, openProgressBar } from '../terminal/progress-bar.ts';

/**
 * Moves dead letters, with a bar where there is a terminal.
 *
 * @param done what became of them, as 'redriven'
 * @returns how many
 * @throws CommandError that tells how many were moved before
 */
export async function moveLetters(
  done: string,
  move: (onProgress: (progress: LettersProgress) => void) => Promise<number>,
): Promise<number> {
  let progress: LettersProgress = { moved: 0, total: 0 };
  const bar = openProgressBar(() => {
    const { moved, total } = progress;
    return `${barText(total === 0 ? 0 : moved / total)}  ${count(moved)} of ${count(total)} ${done}`;
  });
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
