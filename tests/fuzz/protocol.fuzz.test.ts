import { decodeAttributes, encodeFrame, type Frame, FrameDecoder, scanValue } from '@simplemq/protocol';
import { expect, test } from 'vitest';
import {
  COMMANDS,
  commandOf,
  payloadOf,
  sampleFrames,
} from '../../packages/protocol/test/commands/command-codecs.ts';
import { decodeEverything, REFUSALS } from '../../packages/protocol/test/commands/hostile-bytes.ts';
import { mutate } from './mutate.ts';
import { Random } from './random.ts';

/** How long to go on; FUZZ_SEED repeats a run that failed. */
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 1);
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 32);
const FRAME_BYTES_MAX = 64 * 1024;

const FRAMES = sampleFrames();
const PAYLOADS = FRAMES.map(payloadOf);

function fuzz(
  name: string,
  round: (random: Random) => Buffer,
  run: (bytes: Buffer, random: Random) => void,
): void {
  test(name, { timeout: SECONDS * 1000 + 30_000 }, () => {
    const random = new Random(SEED);
    const end = Date.now() + SECONDS * 1000;
    let rounds = 0;
    while (rounds < 500 || Date.now() < end) {
      rounds++;
      const bytes = round(random);
      try {
        run(bytes, random);
      } catch (error) {
        throw new Error(`FUZZ_SEED=${SEED}, round ${rounds}: ${bytes.toString('hex')}`, { cause: error });
      }
    }
  });
}

const mutatedPayload = (random: Random): Buffer => {
  return random.below(8) === 0
    ? random.bytes(random.below(300))
    : mutate(random, random.pick(PAYLOADS), PAYLOADS);
};

fuzz('no payload makes a decoder throw anything but a refusal', mutatedPayload, (payload) => {
  for (const command of COMMANDS) {
    const refusal = decodeEverything(command, Buffer.from(payload)) as { code?: string } | undefined;
    if (refusal !== undefined && !REFUSALS.includes(refusal.code ?? '')) throw refusal;
  }
});

fuzz('attributes and the scan refuse likewise', mutatedPayload, (payload) => {
  for (const decode of [decodeAttributes, (bytes: Buffer) => scanValue(bytes, 0)]) {
    try {
      decode(Buffer.from(payload));
    } catch (error) {
      if (!REFUSALS.includes((error as { code?: string }).code ?? '')) throw error;
    }
  }
});

const mutatedStream = (random: Random): Buffer => {
  const frames = Array.from({ length: 1 + random.below(6) }, () => random.pick(FRAMES));
  const stream = Buffer.concat(frames);
  return random.below(4) === 0 ? stream : mutate(random, stream, FRAMES);
};

fuzz('a stream is cut into the same frames however it comes, or refused', mutatedStream, (stream, random) => {
  const whole = decodeStream([stream]);
  const pieces: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const next = at + 1 + random.below(random.pick([1, 10, 1000]));
    pieces.push(stream.subarray(at, next));
    at = next;
  }
  expect(decodeStream(pieces)).toEqual(whole);
});

/** The frames of a stream as bytes, and how it ended: refused, or with so many bytes of a frame left. */
function decodeStream(pieces: readonly Buffer[]): { frames: string[]; end: string } {
  const decoder = new FrameDecoder({ frameBytesMax: FRAME_BYTES_MAX });
  const frames: string[] = [];
  const onFrame = ({ opcode, requestId, payload }: Frame): boolean => {
    frames.push(encodeFrame(opcode, requestId, payload).toString('hex'));
    const refusal = decodeEverything(commandOf(opcode), payload) as { code?: string } | undefined;
    if (refusal !== undefined && !REFUSALS.includes(refusal.code ?? '')) throw refusal;
    return true;
  };
  try {
    for (const piece of pieces) {
      decoder.push(piece, onFrame);
      expect(decoder.bufferedBytes).toBeLessThan(FRAME_BYTES_MAX + 4);
    }
    return { frames, end: `${decoder.bufferedBytes} bytes left` };
  } catch (error) {
    if ((error as { code?: string }).code !== 'ProtocolViolation') throw error;
    expect(decoder.bufferedBytes).toBe(0);
    return { frames, end: (error as Error).message };
  }
}
