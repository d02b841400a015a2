import { Opcode } from '@simplemq/protocol';
import { beginBackup, endBackup, readBackup } from './backups.ts';
import { deadLetters, deleteDeadLetters, redrive } from './dead-letters.ts';
import { cancelDelayed, listDelayed } from './delayed.ts';
import { needing } from './features.ts';
import { ack, credit, extend, follow, nack, reject, release, unfollow } from './followers.ts';
import {
  createGroup,
  deleteGroup,
  groupInfo,
  listGroups,
  pending,
  resetGroup,
  updateGroup,
} from './groups.ts';
import { health, reload } from './operation.ts';
import { publish } from './publish.ts';
import { read } from './read.ts';
import type { RequestHandler } from './request.ts';
import { deleteSchedule, listSchedules, pauseSchedule, saveSchedule } from './schedules.ts';
import { createStream, deleteStream, listStreams, purgeStream, streamInfo, updateStream } from './streams.ts';
import { transaction } from './transaction.ts';

/** What a client may ask once it is welcome. */
export const HANDLERS: ReadonlyMap<number, RequestHandler> = new Map<number, RequestHandler>([
  [Opcode.CreateStream, createStream],
  needing('retention', Opcode.UpdateStream, updateStream),
  [Opcode.DeleteStream, deleteStream],
  [Opcode.PurgeStream, purgeStream],
  [Opcode.ListStreams, listStreams],
  [Opcode.StreamInfo, streamInfo],
  needing('read', Opcode.Read, read),
  needing('groups', Opcode.CreateGroup, createGroup),
  needing('groups', Opcode.UpdateGroup, updateGroup),
  needing('groups', Opcode.DeleteGroup, deleteGroup),
  needing('groups', Opcode.ListGroups, listGroups),
  needing('groups', Opcode.GroupInfo, groupInfo),
  needing('groups', Opcode.ResetGroup, resetGroup),
  [Opcode.Pending, pending],
  [Opcode.Publish, publish],
  needing('transactions', Opcode.Transaction, transaction),
  [Opcode.Follow, follow],
  [Opcode.Unfollow, unfollow],
  [Opcode.Credit, credit],
  [Opcode.Ack, ack],
  [Opcode.Nack, nack],
  [Opcode.Extend, extend],
  [Opcode.Release, release],
  needing('deadLetters', Opcode.Reject, reject),
  needing('deadLetters', Opcode.DeadLetters, deadLetters),
  needing('deadLetters', Opcode.Redrive, redrive),
  needing('deadLetters', Opcode.DeleteDeadLetters, deleteDeadLetters),
  needing('delay', Opcode.ListDelayed, listDelayed),
  needing('delay', Opcode.CancelDelayed, cancelDelayed),
  needing('schedules', Opcode.SaveSchedule, saveSchedule),
  needing('schedules', Opcode.ListSchedules, listSchedules),
  needing('schedules', Opcode.PauseSchedule, pauseSchedule),
  needing('schedules', Opcode.DeleteSchedule, deleteSchedule),
  needing('backup', Opcode.BeginBackup, beginBackup),
  needing('backup', Opcode.ReadBackup, readBackup),
  needing('backup', Opcode.EndBackup, endBackup),
  [Opcode.Health, health],
  [Opcode.Reload, reload],
]);

/** Requests whose answer is a list, or a page: it may be as large as a frame, however small the request is. */
export const LARGE_ANSWERS: ReadonlySet<number> = new Set([
  Opcode.ListStreams,
  Opcode.Read,
  Opcode.ListGroups,
  Opcode.Pending,
  Opcode.DeadLetters,
  Opcode.ListDelayed,
  Opcode.ListSchedules,
  Opcode.ReadBackup,
]);

/**
 * What a server that is shutting down still takes: whatever settles messages that were delivered, so that as few as can
 * be are delivered again after it, and the question whether it is ready.
 */
export const WHILE_CLOSING: ReadonlySet<number> = new Set([
  Opcode.Ack,
  Opcode.Nack,
  Opcode.Extend,
  Opcode.Release,
  Opcode.Reject,
  Opcode.Health,
]);
