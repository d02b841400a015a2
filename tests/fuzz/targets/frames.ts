import { type Frame, FrameDecoder } from '@simplemq/protocol';
import { sampleFrames } from '../../../packages/protocol/test/commands/command-codecs.ts';
import { PIECES } from '../mutate.ts';
import type { Target } from '../target.ts';
import { refusalOf } from './refusal.ts';

const FRAME_BYTES_MAX = 64 * 1024;
const HEADER_BYTES = 9;
const FRAMES = sampleFrames();

/** The cutting of a stream into frames: a byte that says how large the pieces are in which it comes, and the stream. */
export const FRAMES_TARGET: Target = {
  name: 'frames',
  seeds: FRAMES.map((frame, i) =>
    Buffer.concat([Buffer.of(i), frame, FRAMES[(i * 7) % FRAMES.length]!, FRAMES[(i * 11) % FRAMES.length]!]),
  ),
  pieces: [
    ...PIECES,
    ...['00000005', '0000000502', '00000006', '00010000', '00010001', '0000000d'].map((hex) =>
      Buffer.from(hex, 'hex'),
    ),
  ],
  inputBytesMax: 4_096,
  inputMsMax: 1_000,
  run: (input) => {
    const stream = input.subarray(1);
    const whole: Frame[] = [];
    const end = cut(stream, stream.length, whole);
    const inPieces: Frame[] = [];
    const endInPieces = cut(stream, 1 + (input[0] ?? 0), inPieces);
    if (endInPieces !== end) throw new Error(`in one piece: ${end}; in several: ${endInPieces}`);
    requireSame(whole, inPieces);
    requireAsSent(stream, whole);
    return end;
  },
};

/** @returns how the stream ended */
function cut(stream: Buffer, pieceBytes: number, frames: Frame[]): string {
  const decoder = new FrameDecoder({ frameBytesMax: FRAME_BYTES_MAX });
  const onFrame = (frame: Frame): boolean => frames.push(frame) > 0;
  try {
    for (let at = 0; at < stream.length; at += pieceBytes) {
      decoder.push(stream.subarray(at, at + pieceBytes), onFrame);
      if (decoder.bufferedBytes > Math.min(at + pieceBytes, FRAME_BYTES_MAX + 3)) {
        throw new Error(`${decoder.bufferedBytes} bytes are kept of ${at + pieceBytes}`);
      }
    }
  } catch (error) {
    const refusal = refusalOf(error);
    if (decoder.bufferedBytes > 0)
      throw new Error(`${decoder.bufferedBytes} bytes are kept of what is refused`);
    return refusal;
  }
  return endOf(frames.length, decoder.bufferedBytes);
}

function endOf(frames: number, bufferedBytes: number): string {
  const rest =
    bufferedBytes === 0
      ? 'nothing'
      : bufferedBytes < HEADER_BYTES
        ? 'a part of a header'
        : 'a part of a frame';
  return `${frames === 0 ? 'no frame' : frames === 1 ? 'a frame' : 'frames'}, then ${rest}`;
}

function requireSame(whole: readonly Frame[], inPieces: readonly Frame[]): void {
  if (whole.length !== inPieces.length)
    throw new Error(`${whole.length} frames, ${inPieces.length} in pieces`);
  for (let i = 0; i < whole.length; i++) {
    const one = whole[i]!;
    const other = inPieces[i]!;
    const isSame =
      one.opcode === other.opcode && one.requestId === other.requestId && one.payload.equals(other.payload);
    if (!isSame) throw new Error(`frame ${i + 1} is another one when it comes in pieces`);
  }
}

/** Frames lie one behind the other, each as its header says. */
function requireAsSent(stream: Buffer, frames: readonly Frame[]): void {
  let at = 0;
  for (const { opcode, requestId, payload } of frames) {
    const isSame =
      stream.readUInt32BE(at) === payload.length + HEADER_BYTES - 4 &&
      stream[at + 4] === opcode &&
      stream.readUInt32BE(at + 5) === requestId;
    at += HEADER_BYTES;
    if (!isSame || !payload.equals(stream.subarray(at, at + payload.length))) {
      throw new Error(`what is handed out is not what was sent before byte ${at}`);
    }
    at += payload.length;
  }
}
