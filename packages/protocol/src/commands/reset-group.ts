import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { readStartFrom, type StartFrom } from './start-from.ts';

/**
 * RESET_GROUP 0x1d, client to server: moves a group. Control:
 *
 *   { stream, group, startFrom }
 *
 * `startFrom` is laid out in start-from.ts. Every message from there on is delivered, again if it was before, in
 * attempt 1; every one before it counts as acked. What followers hold is not their own any more.
 */
export interface ResetGroup {
  readonly stream: string;
  readonly group: string;
  readonly startFrom: StartFrom;
}

export function encodeResetGroup(requestId: number, request: ResetGroup): Buffer {
  return encodeFrame(Opcode.ResetGroup, requestId, encodeEnvelope({ ...request }));
}

export function decodeResetGroup(payload: Buffer): ResetGroup {
  const fields = decodeEnvelope('RESET_GROUP', payload);
  const request = {
    stream: fields.string('stream'),
    group: fields.string('group'),
    startFrom: readStartFrom('RESET_GROUP', fields),
  };
  fields.end();
  return request;
}

/** GROUP_RESET 0x9d, the answer: an empty map. */
export function encodeGroupReset(requestId: number): Buffer {
  return encodeFrame(Opcode.GroupReset, requestId, encodeEnvelope({}));
}
