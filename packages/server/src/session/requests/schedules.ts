import {
  decodeDeleteSchedule,
  decodeListSchedules,
  decodePauseSchedule,
  decodeSaveSchedule,
  encodeScheduleDeleted,
  encodeSchedulePaused,
  encodeScheduleSaved,
  encodeSchedulesListed,
} from '@simplemq/protocol';
import { checkBatch } from './check-batch.ts';
import type { RequestHandler } from './request.ts';

export const saveSchedule: RequestHandler = (context, requestId, payload) => {
  const schedule = decodeSaveSchedule(payload);
  checkBatch(schedule.batch, context);
  return context.engine.saveSchedule(schedule).then((summary) => encodeScheduleSaved(requestId, summary));
};

export const listSchedules: RequestHandler = ({ engine }, requestId, payload) => {
  decodeListSchedules(payload);
  return engine.listSchedules().then((schedules) => encodeSchedulesListed(requestId, { schedules }));
};

export const pauseSchedule: RequestHandler = ({ engine }, requestId, payload) => {
  const { name, paused } = decodePauseSchedule(payload);
  return engine.pauseSchedule(name, paused).then((summary) => encodeSchedulePaused(requestId, summary));
};

export const deleteSchedule: RequestHandler = ({ engine }, requestId, payload) => {
  const { name } = decodeDeleteSchedule(payload);
  return engine.deleteSchedule(name).then(() => encodeScheduleDeleted(requestId));
};
