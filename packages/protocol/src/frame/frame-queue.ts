import type { Writable } from 'node:stream';

/** Pieces that are no more than this in all are joined: handing several to a socket costs more than to copy them. */
const JOIN_BYTES_MAX = 16 * 1024;

/**
 * Frames that wait to be written in one go. Frames of one turn are coalesced by whoever owns the socket: push as they
 * come, take them all at the end of the turn or once `bytes` is past a threshold.
 */
export class FrameQueue {
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds the pieces of one frame, in order. */
  push(...pieces: Uint8Array[]): void {
    for (const piece of pieces) {
      this.#chunks.push(piece);
      this.#bytes += piece.length;
    }
  }

  /** Everything pushed since the last take, in order. */
  take(): Uint8Array[] {
    const chunks = this.#chunks;
    const bytes = this.#bytes;
    this.#chunks = [];
    this.#bytes = 0;
    return chunks.length > 1 && bytes <= JOIN_BYTES_MAX ? [Buffer.concat(chunks, bytes)] : chunks;
  }

  /** Writes all of it to a socket, at once. */
  writeTo(socket: Writable): void {
    const chunks = this.take();
    if (chunks.length > 1) socket.cork();
    for (const chunk of chunks) socket.write(chunk);
    if (chunks.length > 1) socket.uncork();
  }
}
