import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import type { Fields } from '../envelope/fields.ts';
import { present } from '../envelope/present.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { type GroupOptions, readGroupOptions } from './group-options.ts';
import { type GroupSummary, readGroupSummary } from './stream-summary.ts';

/**
 * GROUP_INFO 0x1c, client to server. Control:
 *
 *   { stream, group }
 */
export interface GroupInfoRequest {
  readonly stream: string;
  readonly group: string;
}

/** GROUP_INFO_REPLY 0x9c, the answer: what there is to tell of one group, as one map. */
export interface GroupInfo extends GroupSummary {
  readonly stream: string;
  /** In milliseconds since 1970 UTC. */
  readonly createdAt: number;
  /** No message from this sequence number on was ever delivered. */
  readonly readPosition: number;
  /** Messages that went to the dead letters, since the broker started. */
  readonly deadLettered: number;
  /** Messages that were past their ttlMs when their turn came, since the broker started. */
  readonly expired: number;
  /** How long ago the oldest message that is not acked was taken in, in ms; absent when there is none. */
  readonly oldestUnackedMs?: number;
  /** All of them, with the values that they have. */
  readonly options: GroupOptions;
}

export function encodeGroupInfo(requestId: number, request: GroupInfoRequest): Buffer {
  return encodeFrame(Opcode.GroupInfo, requestId, encodeEnvelope({ ...request }));
}

export function decodeGroupInfo(payload: Buffer): GroupInfoRequest {
  const fields = decodeEnvelope('GROUP_INFO', payload);
  const request = { stream: fields.string('stream'), group: fields.string('group') };
  fields.end();
  return request;
}

export function encodeGroupInfoReply(requestId: number, info: GroupInfo): Buffer {
  return encodeFrame(Opcode.GroupInfoReply, requestId, encodeEnvelope({ ...info }));
}

export function decodeGroupInfoReply(payload: Buffer): GroupInfo {
  return readGroupInfo(decodeEnvelope('GROUP_INFO_REPLY', payload));
}

export function readGroupInfo(fields: Fields): GroupInfo {
  return present<GroupInfo>({
    ...readGroupSummary(fields),
    stream: fields.string('stream'),
    createdAt: fields.integer('createdAt'),
    readPosition: fields.integer('readPosition'),
    deadLettered: fields.integer('deadLettered'),
    expired: fields.integer('expired'),
    oldestUnackedMs: fields.optionalInteger('oldestUnackedMs'),
    options: readGroupOptions(fields.map('options'), 'ignore'),
  });
}
