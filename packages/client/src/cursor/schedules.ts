import {
  BatchBuilder,
  decodeSchedulePaused,
  decodeScheduleSaved,
  decodeSchedulesListed,
  encodeDeleteSchedule,
  encodeListSchedules,
  encodePauseSchedule,
  encodeSaveScheduleHead,
  Opcode,
  type ScheduleSummary as WireSchedule,
} from '@simplemq/protocol';
import type { Codec } from '../codec/codec.ts';
import { msgpack } from '../codec/msgpack.ts';
import { bodyWriter } from '../publisher/body-writer.ts';
import { encodeSendOptions, type SendOptions } from '../publisher/send-options.ts';
import { type Ask, nothing } from './ask.ts';

/** A message that is published again and again. */
export interface ScheduleOptions extends Pick<SendOptions, 'headers' | 'key' | 'priority'> {
  /** Where it is published. */
  stream: string;
  /** When: minute, hour, day of the month, month, day of the week; or six fields, seconds first. */
  cron: string;
  /** An IANA name in which `cron` is read. Default UTC. */
  timezone?: string;
  body: unknown;
  /** Default msgpack. */
  // biome-ignore lint/suspicious/noExplicitAny: a codec of any body will do
  codec?: Codec<any>;
}

export interface ScheduleSummary {
  readonly name: string;
  readonly stream: string;
  readonly cron: string;
  readonly timezone: string;
  readonly paused: boolean;
  /** When it publishes next; absent when it is paused or has no next time. */
  readonly nextAt?: Date;
  /** When it published last; absent when it never did. */
  readonly lastAt?: Date;
}

export async function saveSchedule(
  ask: Ask,
  name: string,
  options: ScheduleOptions,
): Promise<ScheduleSummary> {
  const { stream, cron, timezone, body, codec = msgpack, ...rest } = options;
  const writer = bodyWriter(codec);
  const bytes = writer.encode(body);
  const builder = new BatchBuilder();
  builder.append(bytes, writer.isRaw, encodeSendOptions(rest).attributes);
  const batch = builder.finish();
  const request = { name, stream, cron, ...(timezone !== undefined && { timezone }) };
  const saved = await ask({
    opcode: Opcode.SaveSchedule,
    what: `to save the schedule '${name}'`,
    encode: (id) => Buffer.concat([encodeSaveScheduleHead(id, request, batch.length), batch]),
    decode: decodeScheduleSaved,
    repeatable: true,
  });
  return withDates(saved);
}

export async function listSchedules(ask: Ask): Promise<ScheduleSummary[]> {
  const reply = await ask({
    opcode: Opcode.ListSchedules,
    what: 'to list the schedules',
    encode: encodeListSchedules,
    decode: decodeSchedulesListed,
    repeatable: true,
  });
  return reply.schedules.map(withDates);
}

export async function pauseSchedule(ask: Ask, name: string, paused: boolean): Promise<ScheduleSummary> {
  const schedule = await ask({
    opcode: Opcode.PauseSchedule,
    what: `to ${paused ? 'pause' : 'resume'} the schedule '${name}'`,
    encode: (id) => encodePauseSchedule(id, { name, paused }),
    decode: decodeSchedulePaused,
    repeatable: true,
  });
  return withDates(schedule);
}

export function deleteSchedule(ask: Ask, name: string): Promise<void> {
  return ask({
    opcode: Opcode.DeleteSchedule,
    what: `to delete the schedule '${name}'`,
    encode: (id) => encodeDeleteSchedule(id, { name }),
    decode: nothing,
    repeatable: false,
  });
}

function withDates({ nextAt, lastAt, ...rest }: WireSchedule): ScheduleSummary {
  return {
    ...rest,
    ...(nextAt !== undefined && { nextAt: new Date(nextAt) }),
    ...(lastAt !== undefined && { lastAt: new Date(lastAt) }),
  };
}
