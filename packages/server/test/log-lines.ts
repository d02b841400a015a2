import { Writable } from 'node:stream';
import { type Logger, pino } from 'pino';

interface Line extends Record<string, unknown> {
  readonly msg: string;
  readonly level: number;
}

/** A log that a test reads. */
export class LogLines {
  readonly all: Line[] = [];
  readonly logger: Logger;
  readonly #waiting: { msg: string; resolve: (line: Line) => void }[] = [];

  constructor() {
    const sink = new Writable({
      write: (text, _encoding, done) => {
        this.#add(JSON.parse(String(text)) as Line);
        done();
      },
    });
    this.logger = pino({ level: 'trace' }, sink);
  }

  /** The first line with this message, which may still be to come. */
  line(msg: string): Promise<Line> {
    const found = this.all.find((line) => line.msg === msg);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => this.#waiting.push({ msg, resolve }));
  }

  #add(line: Line): void {
    this.all.push(line);
    for (const { msg, resolve } of this.#waiting) if (msg === line.msg) resolve(line);
  }
}
