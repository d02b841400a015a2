import {
  decodeCancelDelayed,
  decodeCreateGroup,
  decodeDeadLetterPage,
  decodeDeleteGroup,
  decodeDeleteSchedule,
  decodeGroupInfo,
  decodeListDelayed,
  decodeListGroups,
  decodePauseSchedule,
  decodeRead,
  decodeResetGroup,
  decodeSaveSchedule,
  decodeUpdateGroup,
  decodeUpdateStream,
  encodeBackupBegun,
  encodeBackupEnded,
  encodeBackupPiece,
  encodeDeadLettersDeleted,
  encodeDelayedCancelled,
  encodeDelayedListed,
  encodeGroupCreated,
  encodeGroupDeleted,
  encodeGroupInfoReply,
  encodeGroupReset,
  encodeGroupsListed,
  encodeGroupUpdated,
  encodeHealthReply,
  encodeReadReply,
  encodeRedriven,
  encodeReloaded,
  encodeScheduleDeleted,
  encodeSchedulePaused,
  encodeScheduleSaved,
  encodeSchedulesListed,
  encodeStreamUpdated,
  type GroupInfo,
  GroupNotFound,
  type GroupOptions,
  type Health,
  Opcode,
  type ReadReplyPage,
  type RecordBatch,
  ScheduleNotFound,
  type ScheduleSummary,
  type StartFrom,
  type StreamOptions,
} from '@simplemq/protocol';
import { attributesOf, type StoredMessage, type StoredRecord } from './stored-message.ts';

/** The part of a fake broker that is managed. */
export interface Managed {
  delayed: { readonly stream: string; readonly id: number; readonly deliverAt: number }[];
  /** @throws StreamNotFound */
  stream(name: string): StoredMessage[];
  add(stream: string, record: StoredRecord): StoredMessage;
}

/** Messages, or entries, in one page, so that paging is seen. */
const PAGE = 2;

/** The fake broker's answers to what a cursor asks, beyond streams and pending entries. */
export class FakeManagement {
  readonly updates: { readonly stream: string; readonly options: StreamOptions }[] = [];
  readonly groups = new Map<string, GroupInfo>();
  readonly resets: { readonly group: string; readonly startFrom: StartFrom }[] = [];
  readonly schedules = new Map<string, ScheduleSummary & { readonly batch: RecordBatch }>();
  /** What the next backup has. */
  pieces: Buffer[] = [];
  backupsEnded = 0;
  health: Pick<Health, 'state' | 'reason'> = { state: 'ready' };
  readonly #broker: Managed;

  constructor(broker: Managed) {
    this.#broker = broker;
  }

  /** The answer to a frame; undefined when it is none of these. */
  answer(opcode: number, id: number, payload: Buffer): Buffer | undefined {
    return (
      this.#ofStream(opcode, id, payload) ??
      this.#ofGroup(opcode, id, payload) ??
      this.#ofSchedule(opcode, id, payload) ??
      this.#ofOperation(opcode, id)
    );
  }

  #ofStream(opcode: number, id: number, payload: Buffer): Buffer | undefined {
    switch (opcode) {
      case Opcode.UpdateStream:
        this.updates.push(decodeUpdateStream(payload));
        return encodeStreamUpdated(id);
      case Opcode.Read: {
        const { stream, startFrom = 'first', limit = PAGE } = decodeRead(payload);
        const from = typeof startFrom === 'object' && 'sequence' in startFrom ? startFrom.sequence : 1;
        const held = this.#held(stream).filter(({ sequence }) => sequence >= from);
        return encodeReadReply(id, Opcode.ReadReply, page(held, Math.min(PAGE, limit)));
      }
      case Opcode.DeadLetters: {
        const { letters, after } = this.#letters('DEAD_LETTERS', payload);
        const reply = page(letters, PAGE);
        return encodeReadReply(id, Opcode.DeadLettersReply, {
          ...reply,
          next: Math.max(reply.next, after + 1),
        });
      }
      case Opcode.Redrive:
        return encodeRedriven(id, this.#move('REDRIVE', payload));
      case Opcode.DeleteDeadLetters:
        return encodeDeadLettersDeleted(id, this.#move('DELETE_DEAD_LETTERS', payload));
      case Opcode.ListDelayed: {
        const { stream, after = 0, limit = PAGE } = decodeListDelayed(payload);
        const entries = this.#broker.delayed.filter((entry) => entry.stream === stream && entry.id > after);
        const shown = entries
          .slice(0, Math.min(PAGE, limit))
          .map(({ id: entry, deliverAt }) => ({ id: entry, deliverAt, messages: 1, bytes: 9 }));
        return encodeDelayedListed(id, { entries: shown, more: entries.length > PAGE });
      }
      case Opcode.CancelDelayed: {
        const { ids } = decodeCancelDelayed(payload);
        const before = this.#broker.delayed.length;
        this.#broker.delayed = this.#broker.delayed.filter((entry) => !ids.includes(entry.id));
        return encodeDelayedCancelled(id, { messages: before - this.#broker.delayed.length });
      }
    }
    return undefined;
  }

  #ofGroup(opcode: number, id: number, payload: Buffer): Buffer | undefined {
    switch (opcode) {
      case Opcode.CreateGroup: {
        const { stream, group, options = {} } = decodeCreateGroup(payload);
        const created = !this.groups.has(group);
        if (created) this.groups.set(group, groupInfo(stream, group, options));
        return encodeGroupCreated(id, { created });
      }
      case Opcode.UpdateGroup: {
        const { group, options } = decodeUpdateGroup(payload);
        const info = this.#group(group);
        this.groups.set(group, { ...info, options: { ...info.options, ...options } });
        return encodeGroupUpdated(id);
      }
      case Opcode.DeleteGroup: {
        const { group } = decodeDeleteGroup(payload);
        this.#group(group);
        this.groups.delete(group);
        return encodeGroupDeleted(id);
      }
      case Opcode.ListGroups: {
        const { stream } = decodeListGroups(payload);
        return encodeGroupsListed(id, {
          groups: [...this.groups.values()].filter((group) => group.stream === stream),
        });
      }
      case Opcode.GroupInfo:
        return encodeGroupInfoReply(id, this.#group(decodeGroupInfo(payload).group));
      case Opcode.ResetGroup: {
        const { group, startFrom } = decodeResetGroup(payload);
        this.#group(group);
        this.resets.push({ group, startFrom });
        return encodeGroupReset(id);
      }
    }
    return undefined;
  }

  #ofSchedule(opcode: number, id: number, payload: Buffer): Buffer | undefined {
    switch (opcode) {
      case Opcode.SaveSchedule: {
        const { batch, timezone = 'UTC', ...rest } = decodeSaveSchedule(payload);
        const schedule = { ...rest, timezone, paused: false, nextAt: 86_400_000, batch };
        this.schedules.set(rest.name, schedule);
        return encodeScheduleSaved(id, summary(schedule));
      }
      case Opcode.ListSchedules:
        return encodeSchedulesListed(id, { schedules: [...this.schedules.values()].map(summary) });
      case Opcode.PauseSchedule: {
        const { name, paused } = decodePauseSchedule(payload);
        const schedule = this.#schedule(name);
        this.schedules.set(name, { ...schedule, paused });
        return encodeSchedulePaused(id, summary({ ...schedule, paused }));
      }
      case Opcode.DeleteSchedule: {
        const { name } = decodeDeleteSchedule(payload);
        this.#schedule(name);
        this.schedules.delete(name);
        return encodeScheduleDeleted(id);
      }
    }
    return undefined;
  }

  #ofOperation(opcode: number, id: number): Buffer | undefined {
    switch (opcode) {
      case Opcode.BeginBackup:
        return encodeBackupBegun(id, { backup: 1, bytes: 9 });
      case Opcode.ReadBackup: {
        const data = this.pieces.shift() ?? Buffer.alloc(0);
        return encodeBackupPiece(id, { data, more: this.pieces.length > 0 });
      }
      case Opcode.EndBackup:
        this.backupsEnded++;
        return encodeBackupEnded(id);
      case Opcode.Health:
        return encodeHealthReply(id, { server: 'fake/1', upSince: 1_700_000_000_000, ...this.health });
      case Opcode.Reload:
        return encodeReloaded(id, { changed: ['logs.level'], needRestart: ['port'] });
    }
    return undefined;
  }

  /** Past `after`, those of a group and an error. */
  #letters(
    what: string,
    payload: Buffer,
  ): { stream: string; letters: StoredMessage[]; limit: number; after: number } {
    const { stream, filter = {}, after = 0, limit = PAGE } = decodeDeadLetterPage(what, payload);
    const letters = this.#held(`$dead.${stream}`).filter((message) => {
      const { group, error } = attributesOf(message).dead!;
      return (
        message.sequence > after &&
        (filter.group === undefined || filter.group === group) &&
        (filter.error === undefined || error.includes(filter.error))
      );
    });
    return { stream, letters, limit, after };
  }

  #move(what: string, payload: Buffer): { messages: number; after: number; more: boolean } {
    const { stream, letters, limit, after } = this.#letters(what, payload);
    const moved = letters.slice(0, limit);
    for (const message of moved) {
      message.done = true;
      if (what === 'REDRIVE') this.#broker.add(stream, message);
    }
    return {
      messages: moved.length,
      after: moved.at(-1)?.sequence ?? after,
      more: letters.length > moved.length,
    };
  }

  #held(stream: string): StoredMessage[] {
    return this.#broker.stream(stream).filter(({ done }) => !done);
  }

  #group(name: string): GroupInfo {
    const group = this.groups.get(name);
    if (group === undefined) throw new GroupNotFound(`there is no group '${name}'`);
    return group;
  }

  #schedule(name: string): ScheduleSummary & { readonly batch: RecordBatch } {
    const schedule = this.schedules.get(name);
    if (schedule === undefined) throw new ScheduleNotFound(`there is no schedule '${name}'`);
    return schedule;
  }
}

function page(messages: readonly StoredMessage[], limit: number): ReadReplyPage {
  const shown = messages.slice(0, limit);
  return {
    runs: shown.map(({ sequence, record, flags, shared }) => ({
      first: sequence,
      time: 1_700_000_000_000 + sequence,
      count: 1,
      flags,
      shared,
      records: record,
    })),
    next: (shown.at(-1)?.sequence ?? 0) + 1,
    more: messages.length > limit,
  };
}

function summary({ name, stream, cron, timezone, paused, nextAt }: ScheduleSummary): ScheduleSummary {
  return { name, stream, cron, timezone, paused, ...(!paused && nextAt !== undefined && { nextAt }) };
}

function groupInfo(stream: string, name: string, options: GroupOptions): GroupInfo {
  return {
    stream,
    name,
    followers: 0,
    lag: 0,
    pending: 0,
    redelivered: 0,
    ackFloor: 0,
    createdAt: 0,
    readPosition: 1,
    deadLettered: 0,
    expired: 0,
    options,
  };
}
