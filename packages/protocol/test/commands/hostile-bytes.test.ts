import { encodeEnvelope, FrameDecoder, scanValue } from '@simplemq/protocol';
import fc from 'fast-check';
import { unpack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import type { CommandCodec } from './command-codec.ts';
import { COMMANDS, payloadOf } from './command-codecs.ts';
import { decodeEverything, mutated, REFUSALS } from './hostile-bytes.ts';

describe.each(COMMANDS)('$name', (command) => {
  test('refuses random bytes as ProtocolViolation, or decodes them', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => refuses(command, bytes)));
  });

  test('refuses a map of anything as ProtocolViolation or Unsupported, or decodes it', () => {
    const maps = fc.dictionary(fc.string({ maxLength: 12 }), fc.anything({ maxDepth: 3 }), { maxKeys: 5 });
    fc.assert(fc.property(maps, (map) => refuses(command, encodeEnvelope(map))));
  });

  test('refuses its own fields with values of any type likewise', () => {
    fc.assert(
      fc.property(command.messages, fc.anything({ maxDepth: 2 }), fc.nat(), (message, value, which) => {
        const payload = payloadOf(command.encode(1, message));
        const end = payload.length === 0 ? 0 : scanValue(payload, 0);
        const fields = end === 0 ? {} : (unpack(payload.subarray(0, end)) as Record<string, unknown>);
        const names = Object.keys(fields);
        if (names.length > 0) fields[names[which % names.length]!] = value;
        refuses(command, Buffer.concat([encodeEnvelope(fields), payload.subarray(end)]));
      }),
    );
  });

  test('refuses its own frames likewise when they are damaged', () => {
    const damaged = command.messages.chain((message) => mutated(payloadOf(command.encode(1, message))));
    fc.assert(fc.property(damaged, (bytes) => refuses(command, bytes)));
  });

  test('refuses its own frames likewise when they are cut off, at whichever byte', () => {
    fc.assert(
      fc.property(command.messages, (message) => {
        const payload = payloadOf(command.encode(1, message));
        for (let end = 0; end < payload.length; end++) refuses(command, payload.subarray(0, end));
      }),
      { numRuns: 10 },
    );
  });
});

test('a stream of random bytes is cut into frames or refused', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), (pieces) => {
      const decoder = new FrameDecoder({ frameBytesMax: 1000 });
      let received = 0;
      try {
        for (const piece of pieces) {
          received += piece.length;
          decoder.push(Buffer.from(piece), () => true);
          expect(decoder.bufferedBytes).toBeLessThanOrEqual(Math.min(received, 1004));
        }
      } catch (error) {
        expect(error).toMatchObject({ code: 'ProtocolViolation' });
        expect(decoder.bufferedBytes).toBe(0);
      }
    }),
  );
});

function refuses(command: CommandCodec, bytes: Uint8Array): void {
  const refusal = decodeEverything(command, Buffer.from(bytes));
  if (refusal === undefined) return;
  const codes = command.refusesUnknown ? REFUSALS : ['ProtocolViolation'];
  expect(codes).toContain((refusal as { code?: string }).code ?? refusal);
}
