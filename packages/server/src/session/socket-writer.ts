import type { Socket } from 'node:net';
import { FrameQueue } from '@simplemq/protocol';

/** What is queued past this is written at once instead of at the end of the turn. */
const FLUSH_BYTES = 64 * 1024;

/** Past this many bytes on their way to a client it is given no more deliveries until it has read them. */
export const OUTGOING_PAUSE_BYTES: number = 1024 * 1024;

/**
 * The outgoing side of a connection: the frames of one turn leave in one write. Pieces are written from where they lie,
 * so nobody may change them afterwards.
 */
export class SocketWriter {
  readonly #socket: Socket;
  readonly #queue = new FrameQueue();
  #flushIsDue = false;
  /** When something was last handed to the socket, by performance.now(). */
  lastWriteMs: number = performance.now();

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Bytes that the client's system has not taken yet. */
  get pendingBytes(): number {
    return this.#queue.bytes + this.#socket.writableLength;
  }

  /** No more deliveries until the socket's 'drain', which comes whenever this was true after a flush. */
  get isFull(): boolean {
    return this.pendingBytes >= OUTGOING_PAUSE_BYTES;
  }

  /** Adds the pieces of one frame, in order. */
  write(...pieces: Uint8Array[]): void {
    this.#queue.push(...pieces);
    if (this.#queue.bytes >= FLUSH_BYTES) this.flush();
    else if (!this.#flushIsDue) {
      this.#flushIsDue = true;
      // nextTick and not a microtask: the confirms of one commit come as a row of microtasks, and leave together.
      process.nextTick(flushDue, this);
    }
  }

  flush(): void {
    if (this.#queue.bytes === 0) return;
    if (!this.#socket.writable) {
      this.#queue.take();
      return;
    }
    this.lastWriteMs = performance.now();
    this.#queue.writeTo(this.#socket);
  }

  /** @internal */
  flushAtEndOfTurn(): void {
    this.#flushIsDue = false;
    this.flush();
  }
}

function flushDue(writer: SocketWriter): void {
  writer.flushAtEndOfTurn();
}
