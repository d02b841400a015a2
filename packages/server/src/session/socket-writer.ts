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
  /** How many of the bytes that wait are answers, at the most. Deliveries are not counted: they stop by themselves. */
  #answerBytes = 0;
  #isUnread = false;
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

  /** Adds the answer to a request. */
  answer(frame: Uint8Array): void {
    this.#answerBytes += frame.length;
    this.write(frame);
    if (this.#answerBytes >= OUTGOING_PAUSE_BYTES && this.isFull) this.#isUnread = true;
  }

  /** So many answers wait that no more requests are to be carried out until the socket's 'drain'. */
  get isUnread(): boolean {
    return this.#isUnread;
  }

  /** The client's system has taken all that was written. */
  drained(): void {
    this.#answerBytes = 0;
    this.#isUnread = false;
  }

  flush(): void {
    if (this.#queue.bytes === 0) return;
    if (!this.#socket.writable) {
      this.#queue.take();
      return;
    }
    this.lastWriteMs = performance.now();
    if (this.#socket.writableLength === 0) this.#answerBytes = Math.min(this.#answerBytes, this.#queue.bytes);
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
