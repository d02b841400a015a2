import { ProtocolViolation } from '../errors.ts';
import { opcodeName } from '../opcodes.ts';
import { FRAME_HEADER_BYTES, FRAME_LENGTH_MIN, type Frame } from './frame.ts';

export interface FrameDecoderOptions {
  /** The largest `length` that is accepted, in bytes. */
  frameBytesMax: number;
}

type OnFrame = (frame: Frame) => boolean | 'later';

/** So many pieces of a frame are kept as they came, however small they are. */
const CHUNKS_MIN = 1_024;
/** Past them, pieces that are smaller than this on average are joined: a Buffer costs about as much by itself. */
const CHUNK_BYTES_MIN = 256;

/**
 * Cuts a stream of bytes into frames. A frame that lies whole in one chunk is handed out as a view of that chunk;
 * one that spans several is joined once, when its last byte is there.
 *
 * Invariant: nothing is buffered of a frame whose declared length or opcode is not allowed, and what is buffered is
 * never more than what was received.
 */
export class FrameDecoder {
  #frameBytesMax: number;
  #chunks: Buffer[] = [];
  #bufferedBytes = 0;
  /** Bytes that must be buffered before another look is worth it. */
  #neededBytes = 0;

  constructor(options: FrameDecoderOptions) {
    this.#frameBytesMax = options.frameBytesMax;
  }

  /** After WELCOME a peer may send larger frames than before it. */
  set frameBytesMax(bytes: number) {
    this.#frameBytesMax = bytes;
  }

  /** Bytes of a frame that is not complete yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /**
   * Calls `onFrame` for every frame that `chunk` completes, in order. `onFrame` returns false to stop (the
   * connection is closing): what follows is dropped. It returns 'later' to stop until goOn, or the next chunk.
   *
   * @throws ProtocolViolation when a length or an opcode is not allowed; the decoder is of no use afterwards.
   */
  push(chunk: Buffer, onFrame: OnFrame): void {
    let bytes = chunk;
    if (this.#bufferedBytes > 0) {
      this.#append(chunk);
      if (this.#bufferedBytes < this.#neededBytes) return;
      bytes = this.#join();
    }
    this.#cut(bytes, onFrame);
  }

  /** Goes on behind the frame at which `onFrame` said 'later'. @throws ProtocolViolation, as push */
  goOn(onFrame: OnFrame): void {
    if (this.#bufferedBytes > 0 && this.#bufferedBytes >= this.#neededBytes) this.#cut(this.#join(), onFrame);
  }

  #cut(bytes: Buffer, onFrame: OnFrame): void {
    let offset = 0;
    while (bytes.length - offset >= FRAME_HEADER_BYTES) {
      const length = bytes.readUInt32BE(offset);
      const opcode = bytes[offset + 4]!;
      this.#check(length, opcode);
      const end = offset + 4 + length;
      if (end > bytes.length) {
        this.#keep(bytes.subarray(offset), 4 + length);
        return;
      }
      const requestId = bytes.readUInt32BE(offset + 5);
      const payload = bytes.subarray(offset + FRAME_HEADER_BYTES, end);
      offset = end;
      const wantsNext = onFrame({ opcode, requestId, payload });
      if (wantsNext === true) continue;
      if (wantsNext === 'later' && offset < bytes.length) this.#keep(bytes.subarray(offset), 0);
      return;
    }
    if (offset < bytes.length) this.#keepHead(bytes.subarray(offset));
  }

  /** Keeps one more piece of the frame; many tiny ones are joined, as each costs more than what it carries. */
  #append(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.length;
    const count = this.#chunks.length;
    if (count > CHUNKS_MIN && count * CHUNK_BYTES_MIN > this.#bufferedBytes) {
      this.#chunks = [Buffer.concat(this.#chunks, this.#bufferedBytes)];
    }
  }

  #join(): Buffer {
    const bytes =
      this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#bufferedBytes);
    this.#chunks = [];
    this.#bufferedBytes = 0;
    return bytes;
  }

  #keep(rest: Buffer, neededBytes: number): void {
    this.#chunks = [rest];
    this.#bufferedBytes = rest.length;
    this.#neededBytes = neededBytes;
  }

  /** Keeps less than a header; refuses it already if what is there cannot become a frame. */
  #keepHead(rest: Buffer): void {
    if (rest.length < 4) {
      this.#keep(rest, 4);
      return;
    }
    this.#check(rest.readUInt32BE(0), rest.length > 4 ? rest[4]! : undefined);
    this.#keep(rest, rest.length > 4 ? FRAME_HEADER_BYTES : 5);
  }

  #check(length: number, opcode: number | undefined): void {
    if (length < FRAME_LENGTH_MIN) {
      throw new ProtocolViolation(
        `a frame declares a length of ${length} bytes; the least is ${FRAME_LENGTH_MIN}`,
      );
    }
    if (length > this.#frameBytesMax) {
      throw new ProtocolViolation(
        `a frame declares a length of ${length} bytes; the limit here is ${this.#frameBytesMax} (limits.maxFrameBytes)`,
        { details: { limit: 'maxFrameBytes', value: length } },
      );
    }
    if (opcode !== undefined && opcodeName(opcode) === undefined) {
      throw new ProtocolViolation(
        `a frame has the opcode 0x${opcode.toString(16).padStart(2, '0')}, which is none`,
      );
    }
  }
}
