import type { Codec } from '../codec/codec.ts';
import { msgpack } from '../codec/msgpack.ts';

/** A body as bytes. The bytes may be overwritten by the next body. */
export interface BodyWriter {
  /** Whether the last body is bytes, and not a msgpack value. */
  isRaw: boolean;
  encode(body: unknown): Uint8Array;
}

export function bodyWriter(codec: Codec): BodyWriter {
  return codec === msgpack ? new MsgpackBodies() : new CodecBodies(codec);
}

/** What another codec makes is bytes to everybody else. */
class CodecBodies implements BodyWriter {
  readonly isRaw = true;
  readonly #codec: Codec;

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  encode(body: unknown): Uint8Array {
    return this.#codec.encode(body);
  }
}

/** Strings with fewer characters are written into the scratch buffer: at most 3 bytes each, and a header of 5. */
const SHORT_STRING_LENGTH = 1_024;
const SCRATCH_BYTES = SHORT_STRING_LENGTH * 3 + 5;

const scratch: Buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
/** For each length a view of the scratch buffer's first bytes. */
const views: (Buffer | undefined)[] = [];

/** Bytes go as they are; short strings are written without msgpackr, and without making an object for each. */
class MsgpackBodies implements BodyWriter {
  isRaw = false;

  encode(body: unknown): Uint8Array {
    if (body instanceof Uint8Array) {
      this.isRaw = true;
      return body;
    }
    const bytes =
      typeof body === 'string' && body.length < SHORT_STRING_LENGTH
        ? shortString(body)
        : msgpack.encode(body);
    this.isRaw = false;
    return bytes;
  }
}

function shortString(text: string): Buffer {
  // The header is as long as the longest encoding of so many characters may need; it need not be the shortest.
  const header = text.length < 86 ? (text.length < 11 ? 1 : 2) : 3;
  const bytes = scratch.write(text, header, 'utf8');
  if (header === 1) {
    scratch[0] = 0xa0 | bytes;
  } else if (header === 2) {
    scratch[0] = 0xd9;
    scratch[1] = bytes;
  } else {
    scratch[0] = 0xda;
    scratch[1] = bytes >> 8;
    scratch[2] = bytes;
  }
  const end = header + bytes;
  let view = views[end];
  if (view === undefined) {
    view = scratch.subarray(0, end);
    views[end] = view;
  }
  return view;
}
