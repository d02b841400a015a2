import type { Message } from '@simplemq/client';
import { print } from '../terminal/print.ts';

/** What may wait to be written, in bytes. */
const WAITING_BYTES_MAX = 64 * 1024;

export interface AckingWriterOptions {
  /** Default true. */
  readonly acks: boolean;
  /** Called once when nobody reads any more, or when nothing can be written. */
  readonly onEnd: () => void;
}

/**
 * Writes messages to standard output, many at a time, and acks each once the system has taken it.
 *
 * Invariant: a message is acked only in `#written`, which `print` leads to.
 */
export class AckingWriter {
  readonly #options: AckingWriterOptions;
  #pieces: (string | Uint8Array)[] = [];
  #messages: Message[] = [];
  #bytes = 0;
  #isScheduled = false;
  #writing: Promise<void> | undefined;
  #lastAck: Promise<void> | undefined;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: AckingWriterOptions) {
    this.#options = options;
  }

  /** Why nothing can be written, where that is not that the reader has gone. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Takes a message to write. The promise, where there is one, is to be awaited before the next. */
  add(message: Message, line: string | Uint8Array): Promise<void> | undefined {
    this.#pieces.push(line);
    this.#messages.push(message);
    this.#bytes += line.length;
    if (this.#bytes >= WAITING_BYTES_MAX) return this.#writeNext();
    if (this.#writing === undefined && !this.#isScheduled) {
      this.#isScheduled = true;
      // After all that is buffered in the follower was added.
      setImmediate(() => {
        this.#isScheduled = false;
        if (this.#writing === undefined) void this.#write();
      });
    }
    return undefined;
  }

  /** Resolves when all is written and acked, or cannot be. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined || (this.#messages.length > 0 && !this.#isOver)) {
      await (this.#writing ?? this.#write());
    }
    await this.#lastAck?.catch(() => undefined);
  }

  /** Resolves when what waits is being written: as much again may wait then. */
  async #writeNext(): Promise<void> {
    await this.#writing;
    if (this.#writing === undefined) void this.#write();
  }

  #write(): Promise<void> {
    if (this.#isOver || this.#messages.length === 0) return Promise.resolve();
    const messages = this.#messages;
    const output = joined(this.#pieces);
    this.#pieces = [];
    this.#messages = [];
    this.#bytes = 0;
    this.#writing = print(output).then(
      (isRead) => (isRead ? this.#written(messages) : this.#end()),
      (error) => {
        this.#failure = { error };
        this.#end();
      },
    );
    return this.#writing;
  }

  #written(messages: readonly Message[]): void {
    this.#writing = undefined;
    if (this.#options.acks) for (const message of messages) this.#lastAck = message.ack();
    void this.#write();
  }

  #end(): void {
    this.#writing = undefined;
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onEnd();
  }
}

function joined(pieces: readonly (string | Uint8Array)[]): string | Uint8Array {
  if (pieces.every((piece) => typeof piece === 'string')) return pieces.join('');
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
}
