import { decodeBatch, type RecordBatch } from '../batch/batch.ts';
import { decodeEnvelope, decodeLeadingEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { present } from '../envelope/present.ts';
import { ProtocolViolation } from '../errors.ts';
import { encodeFrame, encodeFrameHead } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';
import { readScheduleSummary, type ScheduleSummary } from './schedule-summary.ts';

/**
 * SAVE_SCHEDULE 0x48, client to server: creates a schedule, or puts another definition in its place. Data: an
 * envelope, then a record batch of one record, the message that is published each time.
 *
 *   { name, stream, cron, timezone? }
 *
 * `cron` has five fields (minute, hour, day of the month, month, day of the week) or six (seconds first). The answer,
 * SCHEDULE_SAVED 0xc8, is laid out in schedule-summary.ts.
 */
export interface SaveSchedule {
  readonly name: string;
  readonly stream: string;
  readonly cron: string;
  /** An IANA name; default UTC. */
  readonly timezone?: string;
}

/** The frame up to its batch, which is to be sent right after. */
export function encodeSaveScheduleHead(requestId: number, request: SaveSchedule, batchBytes: number): Buffer {
  return encodeFrameHead(Opcode.SaveSchedule, requestId, encodeEnvelope({ ...request }), batchBytes);
}

export function decodeSaveSchedule(payload: Buffer): SaveSchedule & { readonly batch: RecordBatch } {
  const { fields, end } = decodeLeadingEnvelope('SAVE_SCHEDULE', payload);
  const request = present<SaveSchedule>({
    name: fields.string('name'),
    stream: fields.string('stream'),
    cron: fields.string('cron'),
    timezone: fields.optionalString('timezone'),
  });
  fields.end();
  const batch = decodeBatch(payload.subarray(end));
  if (batch.count !== 1) {
    throw new ProtocolViolation(`SAVE_SCHEDULE has a batch of ${batch.count} records; it must have one`);
  }
  return { ...request, batch };
}

export function encodeScheduleSaved(requestId: number, reply: ScheduleSummary): Buffer {
  return encodeFrame(Opcode.ScheduleSaved, requestId, encodeEnvelope({ ...reply }));
}

export function decodeScheduleSaved(payload: Buffer): ScheduleSummary {
  return readScheduleSummary(decodeEnvelope('SCHEDULE_SAVED', payload));
}
