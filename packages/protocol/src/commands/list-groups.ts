import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { fieldsOf } from '../envelope/fields.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { type GroupInfo, readGroupInfo } from './group-info.ts';

/**
 * LIST_GROUPS 0x1b, client to server: all groups of a stream, by name. Control:
 *
 *   { stream }
 */
export interface ListGroups {
  readonly stream: string;
}

/** GROUPS_LISTED 0x9b, the answer: `{ groups: [info, …] }`, each as in group-info.ts. */
export interface GroupsListed {
  readonly groups: readonly GroupInfo[];
}

export function encodeListGroups(requestId: number, request: ListGroups): Buffer {
  return encodeFrame(Opcode.ListGroups, requestId, encodeEnvelope({ ...request }));
}

export function decodeListGroups(payload: Buffer): ListGroups {
  const fields = decodeEnvelope('LIST_GROUPS', payload);
  const request = { stream: fields.string('stream') };
  fields.end();
  return request;
}

export function encodeGroupsListed(requestId: number, reply: GroupsListed): Buffer {
  return encodeFrame(Opcode.GroupsListed, requestId, encodeEnvelope({ ...reply }));
}

export function decodeGroupsListed(payload: Buffer): GroupsListed {
  const groups = decodeEnvelope('GROUPS_LISTED', payload).array('groups');
  return { groups: groups.map((group) => readGroupInfo(fieldsOf('a group', group))) };
}
