import { count, size } from '../terminal/amounts.ts';
import { barText, NO_BAR, openProgressBar, type ProgressBar } from '../terminal/progress-bar.ts';
import type { Tally } from './tally.ts';

export interface Progress extends ProgressBar {
  /** So much more of the input is confirmed. */
  advance(bytes: number): void;
}

/** Moves on standard error; where that is no terminal, or somebody types there, it shows nothing. */
export function openProgress(tally: Tally, totalBytes: number | undefined, isTyped: boolean): Progress {
  const startedAt = performance.now();
  let bytes = 0;
  const text = () => line(tally, bytes, totalBytes || undefined, startedAt);
  const bar = isTyped ? NO_BAR : openProgressBar(text);
  return {
    ...bar,
    advance: (more) => {
      bytes += more;
    },
  };
}

function line(tally: Tally, bytes: number, totalBytes: number | undefined, startedAt: number): string {
  const seconds = Math.max(0.001, (performance.now() - startedAt) / 1_000);
  const rate = `${count(tally.confirmed)} messages  ${count(tally.confirmed / seconds)}/s`;
  if (totalBytes === undefined) return `${rate}  ${size(bytes)}`;
  return `${barText(bytes / totalBytes)}  ${rate}  ${size(bytes)} of ${size(totalBytes)}`;
}
