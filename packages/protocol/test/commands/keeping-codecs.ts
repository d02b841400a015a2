import * as protocol from '@simplemq/protocol';
import { Opcode } from '@simplemq/protocol';
import fc from 'fast-check';
import { bytesOf } from '../batch/batch-bytes.ts';
import { carriedSingle, pageReply, type WithBatch } from './carried.ts';
import { type CommandCodec, client, empty, server } from './command-codec.ts';
import * as v from './values.ts';

export const DEAD_LETTERS: readonly CommandCodec[] = [
  client<protocol.DeadLetterPage>(Opcode.DeadLetters, {
    encode: protocol.encodeDeadLetters,
    decode: protocol.decodeDeadLetters,
    messages: v.deadLetterPage,
  }),
  pageReply(Opcode.DeadLettersReply),
  client<protocol.DeadLetterPage>(Opcode.Redrive, {
    encode: protocol.encodeRedrive,
    decode: protocol.decodeRedrive,
    messages: v.deadLetterPage,
  }),
  server<protocol.LettersMoved>(Opcode.Redriven, {
    encode: protocol.encodeRedriven,
    decode: protocol.decodeRedriven,
    messages: v.fields({ messages: v.whole, after: v.whole, more: v.flag }),
  }),
  client<protocol.DeadLetterPage>(Opcode.DeleteDeadLetters, {
    encode: protocol.encodeDeleteDeadLetters,
    decode: protocol.decodeDeleteDeadLetters,
    messages: v.deadLetterPage,
  }),
  server<protocol.LettersMoved>(Opcode.DeadLettersDeleted, {
    encode: protocol.encodeDeadLettersDeleted,
    decode: protocol.decodeDeadLettersDeleted,
    messages: v.fields({ messages: v.whole, after: v.whole, more: v.flag }),
  }),
];

export const DELAYED: readonly CommandCodec[] = [
  client<protocol.ListDelayed>(Opcode.ListDelayed, {
    encode: protocol.encodeListDelayed,
    decode: protocol.decodeListDelayed,
    messages: v.fields({ stream: v.text }, { after: v.whole, limit: v.whole }),
  }),
  server<protocol.DelayedListed>(Opcode.DelayedListed, {
    encode: protocol.encodeDelayedListed,
    decode: protocol.decodeDelayedListed,
    messages: v.fields<protocol.DelayedListed>({
      entries: fc.array(v.fields({ id: v.whole, messages: v.whole, bytes: v.whole, deliverAt: v.whole }), {
        maxLength: 4,
      }),
      more: v.flag,
    }),
  }),
  client<protocol.CancelDelayed>(Opcode.CancelDelayed, {
    encode: protocol.encodeCancelDelayed,
    decode: protocol.decodeCancelDelayed,
    messages: v.fields({ stream: v.text, ids: v.wholes }),
  }),
  server<protocol.DelayedCancelled>(Opcode.DelayedCancelled, {
    encode: protocol.encodeDelayedCancelled,
    decode: protocol.decodeDelayedCancelled,
    messages: v.fields({ messages: v.whole }),
  }),
];

export const SCHEDULES: readonly CommandCodec[] = [
  client<WithBatch<protocol.SaveSchedule>>(Opcode.SaveSchedule, {
    encode: (id, { batch, ...schedule }) => {
      const bytes = bytesOf(batch);
      return Buffer.concat([protocol.encodeSaveScheduleHead(id, schedule, bytes.length), bytes]);
    },
    decode: protocol.decodeSaveSchedule,
    messages: v.fields(
      { name: v.text, stream: v.text, cron: v.text, batch: carriedSingle },
      { timezone: v.text },
    ),
  }),
  server<protocol.ScheduleSummary>(Opcode.ScheduleSaved, {
    encode: protocol.encodeScheduleSaved,
    decode: protocol.decodeScheduleSaved,
    messages: v.schedule,
  }),
  client<object>(Opcode.ListSchedules, {
    ...empty(protocol.encodeListSchedules),
    decode: (payload) => {
      protocol.decodeListSchedules(payload);
      return {};
    },
  }),
  server<protocol.SchedulesListed>(Opcode.SchedulesListed, {
    encode: protocol.encodeSchedulesListed,
    decode: protocol.decodeSchedulesListed,
    messages: v.fields({ schedules: fc.array(v.schedule, { maxLength: 3 }) }),
  }),
  client<protocol.PauseSchedule>(Opcode.PauseSchedule, {
    encode: protocol.encodePauseSchedule,
    decode: protocol.decodePauseSchedule,
    messages: v.fields({ name: v.text, paused: v.flag }),
  }),
  server<protocol.ScheduleSummary>(Opcode.SchedulePaused, {
    encode: protocol.encodeSchedulePaused,
    decode: protocol.decodeSchedulePaused,
    messages: v.schedule,
  }),
  client<protocol.DeleteSchedule>(Opcode.DeleteSchedule, {
    encode: protocol.encodeDeleteSchedule,
    decode: protocol.decodeDeleteSchedule,
    messages: v.fields({ name: v.text }),
  }),
  server(Opcode.ScheduleDeleted, empty(protocol.encodeScheduleDeleted)),
];
