/**
 * A frame, all integers big-endian:
 *
 *   0        4        5            9
 *   +--------+--------+------------+-----------+
 *   | length | opcode | request id | payload … |
 *   |  u32   |   u8   |    u32     |           |
 *   +--------+--------+------------+-----------+
 *
 * `length` counts what follows it: 5 + the payload's bytes.
 */
export const FRAME_HEADER_BYTES = 9;
/** What `length` counts before the payload: opcode and request id. */
export const FRAME_LENGTH_MIN = 5;

export interface Frame {
  readonly opcode: number;
  readonly requestId: number;
  readonly payload: Buffer;
}

/** Writes a frame's header for a payload of `payloadBytes` at the start of `target`. */
export function writeFrameHeader(
  target: Buffer,
  opcode: number,
  requestId: number,
  payloadBytes: number,
): void {
  target.writeUInt32BE(FRAME_LENGTH_MIN + payloadBytes, 0);
  target.writeUInt8(opcode, 4);
  target.writeUInt32BE(requestId >>> 0, 5);
}

/** A whole frame around a payload that is small enough to copy. */
export function encodeFrame(opcode: number, requestId: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  writeFrameHeader(frame, opcode, requestId, payload.length);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

/**
 * The head of a frame whose payload is `envelope` and then `tailBytes` bytes that the caller sends right after it,
 * so that a record batch goes from where it lies to the socket without being copied.
 */
export function encodeFrameHead(
  opcode: number,
  requestId: number,
  envelope: Uint8Array,
  tailBytes: number,
): Buffer {
  const head = Buffer.allocUnsafe(FRAME_HEADER_BYTES + envelope.length);
  writeFrameHeader(head, opcode, requestId, envelope.length + tailBytes);
  head.set(envelope, FRAME_HEADER_BYTES);
  return head;
}
