import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { present } from '../envelope/present.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { type GroupOptions, readOptionalGroupOptions } from './group-options.ts';
import { readOptionalStartFrom, type StartFrom } from './start-from.ts';

/**
 * CREATE_GROUP 0x19, client to server. Control:
 *
 *   { stream, group, startFrom?, options? }
 *
 * `startFrom` is laid out in start-from.ts, `options` in group-options.ts. Creating a group that is there
 * changes nothing, its place neither; with another value of an option that is given it is StreamConflict.
 */
export interface CreateGroup {
  readonly stream: string;
  readonly group: string;
  /** Default 'first'. */
  readonly startFrom?: StartFrom;
  readonly options?: GroupOptions;
}

/** GROUP_CREATED 0x99, the answer: `{ created }`, false when the group was there already. */
export interface GroupCreated {
  readonly created: boolean;
}

export function encodeCreateGroup(requestId: number, request: CreateGroup): Buffer {
  return encodeFrame(Opcode.CreateGroup, requestId, encodeEnvelope({ ...request }));
}

export function decodeCreateGroup(payload: Buffer): CreateGroup {
  const fields = decodeEnvelope('CREATE_GROUP', payload);
  const request = present<CreateGroup>({
    stream: fields.string('stream'),
    group: fields.string('group'),
    startFrom: readOptionalStartFrom('CREATE_GROUP', fields),
    options: readOptionalGroupOptions(fields),
  });
  fields.end();
  return request;
}

export function encodeGroupCreated(requestId: number, reply: GroupCreated): Buffer {
  return encodeFrame(Opcode.GroupCreated, requestId, encodeEnvelope({ ...reply }));
}

export function decodeGroupCreated(payload: Buffer): GroupCreated {
  return { created: decodeEnvelope('GROUP_CREATED', payload).optionalBoolean('created') ?? false };
}
