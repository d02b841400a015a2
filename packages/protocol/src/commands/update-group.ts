import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { type GroupOptions, readGroupOptions } from './group-options.ts';

/**
 * UPDATE_GROUP 0x1e, client to server: changes options of a group; what is left out stays as it is. Control:
 *
 *   { stream, group, options }
 *
 * `options` are those of group-options.ts.
 */
export interface UpdateGroup {
  readonly stream: string;
  readonly group: string;
  readonly options: GroupOptions;
}

export function encodeUpdateGroup(requestId: number, request: UpdateGroup): Buffer {
  return encodeFrame(Opcode.UpdateGroup, requestId, encodeEnvelope({ ...request }));
}

export function decodeUpdateGroup(payload: Buffer): UpdateGroup {
  const fields = decodeEnvelope('UPDATE_GROUP', payload);
  const request = {
    stream: fields.string('stream'),
    group: fields.string('group'),
    options: readGroupOptions(fields.map('options'), 'refuse'),
  };
  fields.end();
  return request;
}

/** GROUP_UPDATED 0x9e, the answer: an empty map. */
export function encodeGroupUpdated(requestId: number): Buffer {
  return encodeFrame(Opcode.GroupUpdated, requestId, encodeEnvelope({}));
}
