import { constants } from 'node:os';
import { SingleBar } from 'cli-progress';

/** A line at the bottom of the terminal that changes while something is done. */
export interface ProgressBar {
  /** Writes a line without spoiling the bar. */
  tell(line: string): void;
  stop(): void;
}

const BAR_WIDTH = 30;
const TICK_MS = 100;
const CLEAR_LINE = '\r\x1b[K';
/** Where the bar is drawn from, and what it goes back to at its end. */
const SAVE_POSITION = '\x1b7';

/** Shows what `text` says from time to time on standard error; where that is no terminal, it shows nothing. */
export function openProgressBar(text: () => string): ProgressBar {
  if (!process.stderr.isTTY) return NO_BAR;
  const bar = new SingleBar({
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    fps: 1_000 / TICK_MS,
    format: text,
  });
  bar.start(1, 0);
  // The bar draws only when it is told something; a rate changes all the time.
  const draw = () => bar.update(0);
  const timer = setInterval(draw, TICK_MS).unref();
  const stop = () => {
    clearInterval(timer);
    process.off('exit', stop);
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    bar.stop();
  };
  // The cursor must come back, however the process ends. Where somebody else listens, that one ends it.
  const onSignal = (signal: 'SIGINT' | 'SIGTERM') => {
    if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal]);
  };
  process.on('exit', stop);
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return {
    tell: (line) => {
      process.stderr.write(`${CLEAR_LINE}${line}\n${SAVE_POSITION}`);
      draw();
    },
    stop,
  };
}

/** No bar; what is told is written all the same. */
export const NO_BAR: ProgressBar = {
  tell: (line) => void process.stderr.write(`${line}\n`),
  stop: () => undefined,
};

/** A part of a whole, 0 to 1, as a bar and in percent. */
export function barText(part: number): string {
  const shown = Math.min(1, part);
  const full = Math.round(shown * BAR_WIDTH);
  const bar = '━'.repeat(full) + '─'.repeat(BAR_WIDTH - full);
  return `${bar} ${String(Math.floor(shown * 100)).padStart(3)}%`;
}
