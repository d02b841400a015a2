import { SingleBar } from 'cli-progress';
import { count, size } from '../terminal/amounts.ts';
import type { Tally } from './tally.ts';

export interface Progress {
  /** So much more of the input is confirmed. */
  advance(bytes: number): void;
  /** Writes a line without spoiling the bar. */
  tell(line: string): void;
  stop(): void;
}

/** Moves on standard error; where that is no terminal, or somebody types there, it shows nothing. */
export function openProgress(tally: Tally, totalBytes: number | undefined, isTyped: boolean): Progress {
  if (!process.stderr.isTTY || isTyped) return SILENT;
  return totalBytes === undefined || totalBytes === 0
    ? openBar(tally, Number.POSITIVE_INFINITY)
    : openBar(tally, totalBytes);
}

const SILENT: Progress = {
  advance: () => undefined,
  tell: (line) => void process.stderr.write(`${line}\n`),
  stop: () => undefined,
};

const BAR_WIDTH = 30;
const TICK_MS = 100;
const CLEAR_LINE = '\r\x1b[K';
/** Where the bar is drawn from, and what it goes back to at its end. */
const SAVE_POSITION = '\x1b7';

function openBar(tally: Tally, totalBytes: number): Progress {
  const startedAt = performance.now();
  let bytes = 0;
  const bar = new SingleBar({
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    fps: 1_000 / TICK_MS,
    format: (_options, params) => line(tally, params.value, totalBytes, startedAt),
  });
  bar.start(Number.isFinite(totalBytes) ? totalBytes : 1, 0);
  // The bar draws only when it is told something; the rate changes all the time.
  const stop = () => {
    clearInterval(timer);
    process.off('exit', stop);
    bar.stop();
  };
  // The cursor must come back, however the process ends.
  process.on('exit', stop);
  const timer = setInterval(() => bar.update(bytes), TICK_MS).unref();
  return {
    advance: (more) => {
      bytes += more;
    },
    tell: (text) => {
      process.stderr.write(`${CLEAR_LINE}${text}\n${SAVE_POSITION}`);
      bar.update(bytes);
    },
    stop,
  };
}

function line(tally: Tally, bytes: number, totalBytes: number, startedAt: number): string {
  const seconds = Math.max(0.001, (performance.now() - startedAt) / 1_000);
  const rate = `${count(tally.confirmed)} messages  ${count(tally.confirmed / seconds)}/s`;
  if (!Number.isFinite(totalBytes)) return `${rate}  ${size(bytes)}`;
  const part = Math.min(1, bytes / totalBytes);
  const full = Math.round(part * BAR_WIDTH);
  const bar = '━'.repeat(full) + '─'.repeat(BAR_WIDTH - full);
  return `${bar} ${String(Math.floor(part * 100)).padStart(3)}%  ${rate}  ${size(bytes)} of ${size(totalBytes)}`;
}
