import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { fieldsOf } from '../envelope/fields.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { readScheduleSummary, type ScheduleSummary } from './schedule-summary.ts';

/** LIST_SCHEDULES 0x49, client to server: all schedules, by name. Control: an empty map. */
export function encodeListSchedules(requestId: number): Buffer {
  return encodeFrame(Opcode.ListSchedules, requestId, encodeEnvelope({}));
}

export function decodeListSchedules(payload: Buffer): void {
  decodeEnvelope('LIST_SCHEDULES', payload).end();
}

/** SCHEDULES_LISTED 0xc9, the answer: `{ schedules: [summary, …] }`, each as in schedule-summary.ts. */
export interface SchedulesListed {
  readonly schedules: readonly ScheduleSummary[];
}

export function encodeSchedulesListed(requestId: number, reply: SchedulesListed): Buffer {
  return encodeFrame(Opcode.SchedulesListed, requestId, encodeEnvelope({ ...reply }));
}

export function decodeSchedulesListed(payload: Buffer): SchedulesListed {
  const schedules = decodeEnvelope('SCHEDULES_LISTED', payload).array('schedules');
  return { schedules: schedules.map((schedule) => readScheduleSummary(fieldsOf('a schedule', schedule))) };
}
