import { encodeFrame, type Frame, FrameDecoder, Opcode, ProtocolViolation } from '@simplemq/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sampleFrames } from '../commands/command-codecs.ts';
import { bytesInUse } from '../memory.ts';

const LIMIT = 64 * 1024;

/** What a decoder makes of the pieces, one after another. */
function decodePieces(pieces: readonly Buffer[], frameBytesMax = LIMIT): Frame[] {
  const decoder = new FrameDecoder({ frameBytesMax });
  const frames: Frame[] = [];
  for (const piece of pieces) decoder.push(piece, (frame) => frames.push(frame) > 0);
  expect(decoder.bufferedBytes).toBe(0);
  return frames;
}

function cut(bytes: Buffer, offsets: readonly number[]): Buffer[] {
  const bounds = [0, ...[...offsets].sort((a, b) => a - b), bytes.length];
  return bounds.slice(1).map((end, i) => bytes.subarray(bounds[i], end));
}

function header(length: number, opcode: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(length, 0);
  bytes[4] = opcode;
  return bytes;
}

describe('a stream of one frame of each command', () => {
  const stream = Buffer.concat(sampleFrames());
  const whole = decodePieces([stream]);

  test('decodes to those frames when it comes in one piece', () => {
    const again = whole.map(({ opcode, requestId, payload }) => encodeFrame(opcode, requestId, payload));
    expect(Buffer.concat(again)).toEqual(stream);
  });

  test('decodes to the same frames when it is cut in two, at whichever offset', () => {
    for (let offset = 1; offset < stream.length; offset++) {
      const frames = decodePieces(cut(stream, [offset]));
      if (frames.length !== whole.length) expect.fail(`cut at ${offset} it gives ${frames.length} frames`);
      const same = frames.every(
        (frame, i) => frame.opcode === whole[i]!.opcode && frame.payload.equals(whole[i]!.payload),
      );
      if (!same) expect.fail(`cut at ${offset} it gives other frames`);
    }
  });

  test('decodes to the same frames when it comes byte by byte', () => {
    expect(decodePieces([...stream].map((byte) => Buffer.from([byte])))).toEqual(whole);
  });

  test('decodes to the same frames when it is cut anywhere, empty pieces included', () => {
    const offsets = fc.array(fc.nat(stream.length), { maxLength: 60 });
    fc.assert(
      fc.property(offsets, (at) => {
        expect(decodePieces(cut(stream, at))).toEqual(whole);
      }),
    );
  });
});

describe('a length that is not allowed', () => {
  test.each([0, 1, 4])('%i, less than opcode and request id take, is refused', (length) => {
    const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
    expect(() => decoder.push(header(length, Opcode.Hello), fail)).toThrow(/the least is 5/);
    expect(decoder.bufferedBytes).toBe(0);
  });

  test('above the limit is refused from its first four bytes, with nothing buffered', () => {
    const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
    expect(() => decoder.push(header(LIMIT + 1, Opcode.Hello).subarray(0, 4), fail)).toThrow(
      expect.objectContaining({
        code: 'ProtocolViolation',
        details: { limit: 'maxFrameBytes', value: LIMIT + 1 },
      }),
    );
    expect(decoder.bufferedBytes).toBe(0);
  });

  test('is refused once four bytes are there, even if they come one by one', () => {
    const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
    for (const byte of Buffer.from('GET')) decoder.push(Buffer.from([byte]), fail);
    expect(() => decoder.push(Buffer.from(' '), fail)).toThrow(ProtocolViolation);
    expect(decoder.bufferedBytes).toBe(0);
  });

  test('at the limit is accepted', () => {
    const frame = encodeFrame(Opcode.Publish, 1, Buffer.alloc(LIMIT - 5));
    expect(decodePieces([frame])).toHaveLength(1);
  });

  test('becomes allowed when the limit is raised, and not before', () => {
    const decoder = new FrameDecoder({ frameBytesMax: 16 });
    decoder.frameBytesMax = 32;
    decoder.push(header(32, Opcode.Ack), fail);
    expect(decoder.bufferedBytes).toBe(5);
    expect(() => new FrameDecoder({ frameBytesMax: 16 }).push(header(32, Opcode.Ack), fail)).toThrow(
      ProtocolViolation,
    );
  });
});

describe('an opcode that there is not', () => {
  test('is refused as soon as it is there, with nothing buffered', () => {
    const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
    expect(() => decoder.push(header(1000, 0x77), fail)).toThrow(/opcode 0x77/);
    expect(decoder.bufferedBytes).toBe(0);
  });

  test('is refused as the fifth byte even if the bytes come one by one', () => {
    const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
    const [a, b, c, d, opcode] = header(1000, 0x00);
    for (const byte of [a!, b!, c!, d!]) decoder.push(Buffer.from([byte]), fail);
    expect(() => decoder.push(Buffer.from([opcode!]), fail)).toThrow(/opcode 0x00/);
    expect(decoder.bufferedBytes).toBe(0);
  });

  test('after good frames is refused when those were handed out', () => {
    const seen: number[] = [];
    const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
    const bytes = Buffer.concat([encodeFrame(Opcode.Ack, 1, Buffer.alloc(3)), header(5, 0x7f)]);
    const push = () => decoder.push(bytes, ({ opcode }) => seen.push(opcode) > 0);
    expect(push).toThrow(ProtocolViolation);
    expect(seen).toEqual([Opcode.Ack]);
    expect(decoder.bufferedBytes).toBe(0);
  });
});

test('a frame that lies whole in one chunk is a view of it, copied nowhere', () => {
  const bytes = encodeFrame(Opcode.Publish, 1, Buffer.from('payload'));
  new FrameDecoder({ frameBytesMax: LIMIT }).push(bytes, ({ payload }) => {
    expect(payload.buffer).toBe(bytes.buffer);
    return true;
  });
});

test("what comes behind 'later' is kept, and handed out in order when it goes on", () => {
  const ids: number[] = [];
  const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
  const onFrame = ({ requestId }: Frame) => {
    ids.push(requestId);
    return 'later' as const;
  };
  const frames = [1, 2, 3, 4].map((id) => encodeFrame(Opcode.Ack, id, Buffer.alloc(3)));
  const [, , , last] = frames as [Buffer, Buffer, Buffer, Buffer];
  decoder.push(Buffer.concat([...frames.slice(0, 3), last.subarray(0, 7)]), onFrame);
  expect(ids).toEqual([1]);
  decoder.goOn(onFrame);
  expect(ids).toEqual([1, 2]);
  decoder.push(last.subarray(7), onFrame);
  expect(ids).toEqual([1, 2, 3]);
  for (let i = 0; i < 3; i++) decoder.goOn(onFrame);
  expect(ids).toEqual([1, 2, 3, 4]);
  expect(decoder.bufferedBytes).toBe(0);
});

test('nothing is handed out or kept after onFrame said to stop', () => {
  const frame = encodeFrame(Opcode.Ack, 1, Buffer.alloc(3));
  const decoder = new FrameDecoder({ frameBytesMax: LIMIT });
  let calls = 0;
  decoder.push(Buffer.concat([frame, frame, frame.subarray(0, 7)]), () => {
    calls++;
    return false;
  });
  expect(calls).toBe(1);
  expect(decoder.bufferedBytes).toBe(0);
});

test('what is buffered is what was received, never what was declared', () => {
  const decoder = new FrameDecoder({ frameBytesMax: 2 ** 31 });
  const before = bytesInUse();
  decoder.push(Buffer.concat([header(2 ** 31, Opcode.Publish), Buffer.alloc(100)]), fail);
  expect(decoder.bufferedBytes).toBe(105);
  decoder.push(Buffer.alloc(1000), fail);
  expect(decoder.bufferedBytes).toBe(1105);
  expect(bytesInUse() - before).toBeLessThan(1024 * 1024);
});

test('a large frame that comes byte by byte takes a small multiple of its bytes in memory', () => {
  const size = 300_000;
  const frame = encodeFrame(Opcode.Publish, 9, Buffer.alloc(size, 'x'));
  const decoder = new FrameDecoder({ frameBytesMax: frame.length });
  const before = bytesInUse();
  let frames = 0;
  for (let i = 0; i < frame.length - 1; i++) decoder.push(Buffer.from(frame.subarray(i, i + 1)), fail);
  expect(decoder.bufferedBytes).toBe(frame.length - 1);
  expect(bytesInUse() - before).toBeLessThan(4 * 1024 * 1024);
  decoder.push(frame.subarray(-1), ({ payload }) => {
    expect(payload.equals(frame.subarray(9))).toBe(true);
    return ++frames > 0;
  });
  expect(frames).toBe(1);
});

function fail(): boolean {
  return expect.fail('no frame was complete');
}
