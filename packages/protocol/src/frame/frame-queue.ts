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
    this.#chunks = [];
    this.#bytes = 0;
    return chunks;
  }
}
