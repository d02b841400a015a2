import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { readScheduleSummary, type ScheduleSummary } from './schedule-summary.ts';

/**
 * PAUSE_SCHEDULE 0x4a, client to server: pauses a schedule, or resumes it with its next time from now. Control:
 *
 *   { name, paused }
 *
 * The answer, SCHEDULE_PAUSED 0xca, is laid out in schedule-summary.ts.
 */
export interface PauseSchedule {
  readonly name: string;
  readonly paused: boolean;
}

export function encodePauseSchedule(requestId: number, request: PauseSchedule): Buffer {
  return encodeFrame(Opcode.PauseSchedule, requestId, encodeEnvelope({ ...request }));
}

export function decodePauseSchedule(payload: Buffer): PauseSchedule {
  const fields = decodeEnvelope('PAUSE_SCHEDULE', payload);
  const request = { name: fields.string('name'), paused: fields.boolean('paused') };
  fields.end();
  return request;
}

export function encodeSchedulePaused(requestId: number, reply: ScheduleSummary): Buffer {
  return encodeFrame(Opcode.SchedulePaused, requestId, encodeEnvelope({ ...reply }));
}

export function decodeSchedulePaused(payload: Buffer): ScheduleSummary {
  return readScheduleSummary(decodeEnvelope('SCHEDULE_PAUSED', payload));
}
