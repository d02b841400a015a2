import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * DELETE_SCHEDULE 0x4b, client to server: the schedule publishes no more; what it has published stays. Control:
 *
 *   { name }
 */
export interface DeleteSchedule {
  readonly name: string;
}

export function encodeDeleteSchedule(requestId: number, request: DeleteSchedule): Buffer {
  return encodeFrame(Opcode.DeleteSchedule, requestId, encodeEnvelope({ ...request }));
}

export function decodeDeleteSchedule(payload: Buffer): DeleteSchedule {
  const fields = decodeEnvelope('DELETE_SCHEDULE', payload);
  const request = { name: fields.string('name') };
  fields.end();
  return request;
}

/** SCHEDULE_DELETED 0xcb, the answer: an empty map. */
export function encodeScheduleDeleted(requestId: number): Buffer {
  return encodeFrame(Opcode.ScheduleDeleted, requestId, encodeEnvelope({}));
}
