import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';

export interface Answer {
  /** The words of its first line. */
  readonly words: readonly string[];
  readonly body?: Buffer;
}

/** Answers that have a body, whose length is their last word. */
const WITH_BODY: ReadonlySet<string> = new Set(['RESERVED', 'FOUND', 'OK']);
const END = Buffer.from('\r\n');

/** The protocol of beanstalkd: pipelined commands, answered in order. Commands of one turn are one write. */
export class LineClient {
  readonly #socket: Socket;
  #waiting: ((answer: Answer) => void)[] = [];
  #head = 0;
  #buffered: Buffer = Buffer.alloc(0);
  #corked = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#received(chunk));
  }

  static async connect(port: number): Promise<LineClient> {
    const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new LineClient(socket);
  }

  send(line: string, body?: Buffer): Promise<Answer> {
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(`${line}\r\n`);
    if (body !== undefined) {
      this.#socket.write(body);
      this.#socket.write(END);
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.#socket.destroy();
  }

  #received(chunk: Buffer): void {
    const data = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    let at = 0;
    for (;;) {
      const end = data.indexOf(END, at);
      if (end === -1) break;
      const words = data.toString('latin1', at, end).split(' ');
      const next = end + 2;
      if (!WITH_BODY.has(words[0]!)) {
        this.#answer({ words });
        at = next;
        continue;
      }
      const length = Number(words.at(-1));
      if (data.length < next + length + 2) break;
      this.#answer({ words, body: data.subarray(next, next + length) });
      at = next + length + 2;
    }
    this.#buffered = data.subarray(at);
  }

  #answer(answer: Answer): void {
    this.#waiting[this.#head++]!(answer);
    if (this.#head < 1_024) return;
    this.#waiting = this.#waiting.slice(this.#head);
    this.#head = 0;
  }
}
