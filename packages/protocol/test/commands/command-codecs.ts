import * as protocol from '@simplemq/protocol';
import fc from 'fast-check';
import type { CommandCodec } from './command-codec.ts';
import { CONNECTION } from './connection-codecs.ts';
import { FOLLOWING, SETTLING } from './following-codecs.ts';
import { GROUPS } from './group-codecs.ts';
import { DEAD_LETTERS, DELAYED, SCHEDULES } from './keeping-codecs.ts';
import { BACKUPS, OPERATION } from './operation-codecs.ts';
import { PUBLISHING } from './publishing-codecs.ts';
import { STREAMS } from './stream-codecs.ts';

/** One for every opcode there is. */
export const COMMANDS: readonly CommandCodec[] = [
  ...CONNECTION,
  ...STREAMS,
  ...GROUPS,
  ...PUBLISHING,
  ...FOLLOWING,
  ...SETTLING,
  ...DEAD_LETTERS,
  ...DELAYED,
  ...SCHEDULES,
  ...BACKUPS,
  ...OPERATION,
];

export function commandOf(opcode: number): CommandCodec {
  const found = COMMANDS.find((command) => command.opcode === opcode);
  if (found === undefined) throw new Error(`no codec in this table for the opcode 0x${opcode.toString(16)}`);
  return found;
}

/** The payload of a whole frame. */
export function payloadOf(frame: Buffer): Buffer {
  return frame.subarray(protocol.FRAME_HEADER_BYTES);
}

/** One frame of each command, the same ones at every run. */
export function sampleFrames(): Buffer[] {
  return COMMANDS.map(({ messages, encode }, i) =>
    encode(i, fc.sample(messages, { seed: 7, numRuns: 1 })[0]),
  );
}
