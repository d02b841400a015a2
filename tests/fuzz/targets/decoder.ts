import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { CommandCodec } from '../../../packages/protocol/test/commands/command-codec.ts';
import { COMMANDS, payloadOf } from '../../../packages/protocol/test/commands/command-codecs.ts';
import { decodeEverything } from '../../../packages/protocol/test/commands/hostile-bytes.ts';
import { PIECES, withChecksum } from '../mutate.ts';
import type { Target } from '../target.ts';
import { refusalOf } from './refusal.ts';

const SAMPLES_EACH = 3;
/** Of so many lengths of inputs one. */
const SENT_ON_EVERY = 8;
const BY_BYTE: readonly CommandCodec[] = byByte();
const NOTHING: Buffer = Buffer.alloc(0);

/** The decoders of all payloads, and of the batches in them: an opcode, and then a payload. */
export const DECODER: Target = {
  name: 'decoder',
  seeds: COMMANDS.flatMap(({ opcode, messages, encode }) =>
    fc
      .sample(messages, { seed: opcode, numRuns: SAMPLES_EACH })
      .map((message) => Buffer.concat([Buffer.of(opcode), payloadOf(encode(1, message))])),
  ),
  pieces: PIECES,
  inputBytesMax: 4_096,
  inputMsMax: 1_000,
  run: (input) => {
    const command = BY_BYTE[input[0] ?? 0]!;
    const payload = input.length > 0 ? input.subarray(1) : NOTHING;
    const refusal = decodeEverything(command, payload);
    if (refusal !== undefined) return refusalOf(refusal);
    if (input.length % SENT_ON_EVERY === 0) requireSentOnAsItCame(command, payload);
    return 'is decoded';
  },
  repair: withChecksum,
};

/** What was decoded, encoded and decoded once more is what it was: a broker that sends on what came changes nothing. */
function requireSentOnAsItCame(command: CommandCodec, payload: Buffer): void {
  const message = command.decode(payload);
  const again = command.decode(payloadOf(command.encode(1, message)));
  if (!isDeepStrictEqual(again, message))
    throw new Error(`${command.name} is another message when it is sent on`);
}

/** A command for whatever a first byte may be. */
function byByte(): readonly CommandCodec[] {
  const table = Array.from({ length: 256 }, (_, byte) => COMMANDS[byte % COMMANDS.length]!);
  for (const command of COMMANDS) table[command.opcode] = command;
  return table;
}
