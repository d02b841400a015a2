import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { FrameQueue } from '@simplemq/protocol';
import type { Endpoint } from './options.ts';

export interface TransportHandlers {
  opened(): void;
  received(chunk: Buffer): void;
  /** Called once, last. `error` is why, where the system said so; `wasOpen` is whether `opened` was called. */
  closed(error: Error | undefined, wasOpen: boolean): void;
}

/** Written at once when more than this waits, in bytes; less waits for the end of the turn. */
const FLUSH_BYTES = 64 * 1024;

/** One socket. What is sent in one turn is written as one; while the peer does not read, nothing more is written. */
export class Transport {
  readonly #socket: Socket;
  readonly #queue = new FrameQueue();
  #open = false;
  #blocked = false;
  #scheduled = false;
  #ending = false;
  #error: Error | undefined;

  constructor(endpoint: Endpoint, handlers: TransportHandlers) {
    const { host, port, tls } = endpoint;
    this.#socket = tls === undefined ? connect({ host, port }) : connectTls({ host, port, ...tls });
    this.#socket.setNoDelay(true);
    this.#socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      this.#open = true;
      handlers.opened();
    });
    this.#socket.on('data', (chunk) => handlers.received(chunk));
    this.#socket.on('drain', () => {
      this.#blocked = false;
      this.flush();
    });
    this.#socket.on('error', (error) => {
      this.#error ??= error;
    });
    this.#socket.once('close', () => {
      const wasOpen = this.#open;
      this.#open = false;
      this.#queue.take();
      handlers.closed(this.#error, wasOpen);
    });
  }

  /** Sends the pieces of one frame, in order, at the end of this turn at the latest. */
  send(...pieces: Uint8Array[]): void {
    this.#queue.push(...pieces);
    if (this.#queue.bytes >= FLUSH_BYTES) {
      this.flush();
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      process.nextTick(() => {
        this.#scheduled = false;
        this.flush();
      });
    }
  }

  /** Writes what was sent so far. */
  flush(): void {
    if (!this.#open || this.#blocked || this.#queue.bytes === 0) return;
    const socket = this.#socket;
    this.#queue.writeTo(socket);
    this.#blocked = socket.writableNeedDrain;
    if (this.#ending && !this.#blocked) socket.end();
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  /** Writes what was sent, then closes. */
  end(): void {
    this.#ending = true;
    this.flush();
    if (!this.#blocked) this.#socket.end();
  }

  destroy(error?: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }
}
