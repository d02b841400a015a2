import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * DELETE_GROUP 0x1a, client to server: the group goes, with its place and its pending entries; its followers end.
 * Control:
 *
 *   { stream, group }
 */
export interface DeleteGroup {
  readonly stream: string;
  readonly group: string;
}

export function encodeDeleteGroup(requestId: number, request: DeleteGroup): Buffer {
  return encodeFrame(Opcode.DeleteGroup, requestId, encodeEnvelope({ ...request }));
}

export function decodeDeleteGroup(payload: Buffer): DeleteGroup {
  const fields = decodeEnvelope('DELETE_GROUP', payload);
  const request = { stream: fields.string('stream'), group: fields.string('group') };
  fields.end();
  return request;
}

/** GROUP_DELETED 0x9a, the answer: an empty map. */
export function encodeGroupDeleted(requestId: number): Buffer {
  return encodeFrame(Opcode.GroupDeleted, requestId, encodeEnvelope({}));
}
