import type { Board } from './board.ts';
import { tableOf } from './table.ts';
import { grouped, seconds } from './text.ts';

/** Shows a board while it changes. */
export interface Display {
  /** To be called some times a second. */
  refresh(): void;
  /** Shows the last state, and leaves the output as it was found. */
  end(): void;
}

/** @param output a terminal gets a table that is redrawn in place; anything else a line each second */
export function displayOn(output: NodeJS.WriteStream, board: Board): Display {
  return output.isTTY ? new LiveTable(output, board) : new LineEachSecond(output, board);
}

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const WRAP_OFF = '\x1b[?7l';
const WRAP_ON = '\x1b[?7h';
const CLEAR_REST_OF_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

class LiveTable implements Display {
  readonly #output: NodeJS.WriteStream;
  readonly #board: Board;
  /** Lines of the last frame, which the next one is drawn over. */
  #height = 0;

  constructor(output: NodeJS.WriteStream, board: Board) {
    this.#output = output;
    this.#board = board;
    output.write(HIDE_CURSOR);
  }

  refresh(): void {
    // What is taller than the terminal would scroll, and could not be drawn over; the last row is the cursor's.
    const linesMax = this.#output.rows - 1;
    const lines = tableOf(this.#board, linesMax).slice(-linesMax);
    const up = this.#height === 0 ? '' : `\x1b[${Math.min(this.#height, linesMax)}F`;
    const frame = lines.map((line) => `${line}${CLEAR_REST_OF_LINE}\n`).join('');
    this.#output.write(`${up}${WRAP_OFF}${frame}${WRAP_ON}${CLEAR_BELOW}`);
    this.#height = lines.length;
  }

  end(): void {
    this.refresh();
    this.#output.write(SHOW_CURSOR);
  }
}

class LineEachSecond implements Display {
  readonly #output: NodeJS.WriteStream;
  readonly #board: Board;
  #told = 0;
  #nextMs = 1_000;

  constructor(output: NodeJS.WriteStream, board: Board) {
    this.#output = output;
    this.#board = board;
    output.write(`SimpleMQ demo: ${board.title}\n`);
  }

  refresh(): void {
    this.#tellEvents();
    if (this.#board.elapsedMs < this.#nextMs) return;
    this.#nextMs += 1_000;
    this.#output.write(this.#line());
  }

  end(): void {
    this.#tellEvents();
    this.#output.write(this.#line());
  }

  #tellEvents(): void {
    const { events } = this.#board;
    for (const { atMs, text } of events.slice(this.#told)) this.#output.write(`${stamp(atMs)}${text}\n`);
    this.#told = events.length;
  }

  #line(): string {
    const { elapsedMs, broker, published, publishedRate, delivered, acked, ackedRate } = this.#board;
    const { redelivered, waiting, pending } = this.#board;
    const parts = [
      `broker ${broker.state}`,
      `published ${grouped(published)} (${grouped(publishedRate.perSecond)}/s)`,
      `delivered ${grouped(delivered)}`,
      `acked ${grouped(acked)} (${grouped(ackedRate.perSecond)}/s)`,
      `redelivered ${grouped(redelivered)}`,
      `waiting ${grouped(waiting)}`,
      `pending ${grouped(pending)}`,
    ];
    return `${stamp(elapsedMs)}${parts.join(', ')}\n`;
  }
}

function stamp(ms: number): string {
  return `${seconds(ms).padStart(7)}  `;
}
