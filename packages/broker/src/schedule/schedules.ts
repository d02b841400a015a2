import {
  checkName,
  decodeBatch,
  encodeBatchHead,
  Forbidden,
  InvalidOption,
  MessageTooLarge,
  type RecordBatch,
  ScheduleNotFound,
  type ScheduleSummary,
} from '@simplemq/protocol';
import { Cron } from 'croner';
import type { Committer } from '../commit/committer.ts';
import type { ScheduleRequest, StreamFilter } from '../engine/engine.ts';
import {
  CRON_LENGTH_MAX,
  SCHEDULE_BYTES_MAX,
  SCHEDULES_BYTES_MAX,
  SCHEDULES_MAX,
  TIMEZONE_LENGTH_MAX,
} from '../limits.ts';
import { partsOf } from '../publish/batch-parts.ts';
import type { Placer } from '../publish/placer.ts';
import type { StoredSchedule } from '../store/store.ts';
import type { Stream } from '../stream/stream.ts';

/** How long the wall clock is trusted to go on as it did: it may be set meanwhile. */
const LOOK_MS = 1_000;
/** With so many bytes waiting to be stored it is left for a later commit. */
const WAITING_BYTES_MAX: number = 256 * 1024 * 1024;
/** After a storage that was full, the next try. */
const FULL_RETRY_MS = 500;
/** A clock that was set back by less is waited for, so that no time comes twice; by more, and schedules go on by it. */
const SET_BACK_MS = 60_000;
const DEFAULT_TIMEZONE = 'UTC';

interface Schedule {
  readonly name: string;
  readonly stream: string;
  readonly cron: string;
  readonly timezone: string;
  readonly batch: RecordBatch;
  readonly next: Cron;
  paused: boolean;
  /** Infinity when there is no next time. */
  nextAt: number;
  /** When that was found to be the next time. */
  foundAt: number;
  lastAt: number | undefined;
}

type StoredDefinition = Pick<Schedule, 'cron' | 'timezone' | 'paused' | 'lastAt'> & {
  readonly foundAt?: number;
};

export interface SchedulesOptions {
  readonly committer: Committer;
  readonly placer: Placer;
  readonly find: (stream: string) => Stream | undefined;
  readonly stored: readonly StoredSchedule[];
}

/**
 * Recurring messages, by cron expressions.
 *
 * Invariant: a message is published in the transaction that moves its schedule on, so each time publishes once,
 * whatever happens. Times that passed while no broker ran are made up for by one message.
 */
export class Schedules {
  readonly #options: SchedulesOptions;
  readonly #schedules = new Map<string, Schedule>();
  #timer: NodeJS.Timeout | undefined;
  #triesFrom = 0;
  #isClosed = false;

  constructor(options: SchedulesOptions) {
    this.#options = options;
    for (const stored of options.stored) this.#schedules.set(stored.name, fromStored(stored));
    this.#arm();
  }

  /** @throws InvalidName, InvalidOption, MessageTooLarge, Forbidden */
  async save(
    { name, stream, cron, timezone = DEFAULT_TIMEZONE, batch }: ScheduleRequest,
    visible?: StreamFilter,
  ): Promise<ScheduleSummary> {
    checkName('schedule', name);
    checkLength('cron', cron, CRON_LENGTH_MAX);
    checkLength('timezone', timezone, TIMEZONE_LENGTH_MAX);
    const next = parse(cron, timezone);
    if (batch.count !== 1) {
      throw new InvalidOption(`a schedule publishes one message, not ${batch.count}`, {
        details: { option: 'body' },
      });
    }
    const known = this.#schedules.get(name);
    if (known !== undefined && visible?.(known.stream) === false) {
      throw new Forbidden(
        `there is a schedule '${name}' of a stream that you have no right to; choose another name`,
      );
    }
    this.#checkRoom(batch, known);
    const own = { ...batch, shared: Buffer.from(batch.shared), records: Buffer.from(batch.records) };
    const lastAt = known?.lastAt;
    const now = Date.now();
    const schedule = {
      name,
      stream,
      cron,
      timezone,
      batch: own,
      next,
      paused: false,
      nextAt: nextAfter(next, now),
      foundAt: now,
      lastAt,
    };
    return this.#change(schedule, known);
  }

  /** What was stored when the limits were others stays. */
  #checkRoom(batch: RecordBatch, known: Schedule | undefined): void {
    const bytes = bytesOf(batch);
    if (bytes > SCHEDULE_BYTES_MAX) {
      throw new MessageTooLarge(
        `the message of a schedule has ${bytes} bytes with its attributes; the limit is ${SCHEDULE_BYTES_MAX}`,
        { details: { limit: 'SCHEDULE_BYTES_MAX', value: bytes, max: SCHEDULE_BYTES_MAX } },
      );
    }
    if (known === undefined && this.#schedules.size >= SCHEDULES_MAX) {
      throw new InvalidOption(`there are ${SCHEDULES_MAX} schedules, as many as there may be; delete some`);
    }
    let others = 0;
    for (const schedule of this.#schedules.values())
      if (schedule !== known) others += bytesOf(schedule.batch);
    if (others + bytes <= SCHEDULES_BYTES_MAX) return;
    throw new InvalidOption(
      `the messages of all schedules have ${others} bytes, and with this one they would have more than the limit of ` +
        `${SCHEDULES_BYTES_MAX}; delete some, or use smaller ones`,
    );
  }

  list(visible?: StreamFilter): ScheduleSummary[] {
    const listed = [...this.#schedules.values()].filter(({ stream }) => visible?.(stream) !== false);
    return listed.map(summary).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async pause(name: string, paused: boolean, visible?: StreamFilter): Promise<ScheduleSummary> {
    const known = this.#find(name, visible);
    if (known.paused === paused) {
      // It may have been saved, or paused, just now: what is answered is on the disk.
      await this.#options.committer.settled();
      // That may have been refused.
      const found = this.#find(name, visible);
      return found.paused === paused ? summary(found) : this.pause(name, paused, visible);
    }
    const now = Date.now();
    return this.#change({ ...known, paused, nextAt: nextAfter(known.next, now), foundAt: now }, known);
  }

  async delete(name: string, visible?: StreamFilter): Promise<void> {
    this.#find(name, visible);
    this.#remove(name);
    await this.#options.committer.settled();
  }

  /** A stream is gone, and what published to it with it. */
  streamRemoved(stream: string): void {
    for (const schedule of [...this.#schedules.values()])
      if (schedule.stream === stream) this.#remove(schedule.name);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #find(name: string, visible: StreamFilter | undefined): Schedule {
    const schedule = this.#schedules.get(name);
    if (schedule !== undefined && visible?.(schedule.stream) !== false) return schedule;
    throw new ScheduleNotFound(`there is no schedule '${name}'`, { details: { schedule: name } });
  }

  async #change(schedule: Schedule, known: Schedule | undefined): Promise<ScheduleSummary> {
    this.#put(schedule, known);
    this.#arm();
    await this.#options.committer.stored();
    return summary(schedule);
  }

  /** Puts it in the place of the one that is known, in the open transaction. */
  #put(schedule: Schedule, known: Schedule | undefined): void {
    const { open } = this.#options.committer;
    const { name } = schedule;
    this.#schedules.set(name, schedule);
    const stored = toStored(schedule);
    open.schedules.set(name, stored);
    open.bytes += stored.data.length;
    open.undo.push(() => this.#takeBack(schedule, known));
  }

  /** It was refused for want of room. What was deleted or saved since stays as it is. */
  #takeBack(schedule: Schedule, known: Schedule | undefined): void {
    const { name } = schedule;
    if (this.#schedules.get(name) !== schedule) return;
    if (known !== undefined) this.#schedules.set(name, known);
    else this.#schedules.delete(name);
    this.#triesFrom = Date.now() + FULL_RETRY_MS;
    this.#arm();
  }

  #remove(name: string): void {
    const { open } = this.#options.committer;
    this.#schedules.delete(name);
    open.schedules.delete(name);
    open.deletedSchedules.add(name);
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    let next = Number.POSITIVE_INFINITY;
    for (const { nextAt, paused } of this.#schedules.values()) if (!paused) next = Math.min(next, nextAt);
    if (this.#isClosed || next === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.min(LOOK_MS, Math.max(0, Math.max(next, this.#triesFrom) - Date.now()));
    this.#timer = setTimeout(() => this.#look(), delayMs).unref();
  }

  #look(): void {
    const now = Date.now();
    for (const schedule of [...this.#schedules.values()]) {
      const isAhead = schedule.foundAt - now > SET_BACK_MS;
      if (schedule.paused || (schedule.nextAt > now && !isAhead)) continue;
      if (this.#options.committer.open.bytes >= WAITING_BYTES_MAX) this.#triesFrom = now + FULL_RETRY_MS;
      else if (isAhead) this.#moveBack(schedule, now);
      else this.#publish(schedule, now);
    }
    this.#arm();
  }

  /** The clock was ahead, and was set right: the next time by what it showed would be late by as much. */
  #moveBack(schedule: Schedule, now: number): void {
    this.#put({ ...schedule, nextAt: nextAfter(schedule.next, now), foundAt: now }, schedule);
    // Refused for want of room, it is tried again at the next look.
    this.#options.committer.stored().catch(() => {});
  }

  #publish(schedule: Schedule, now: number): void {
    const { committer, placer, find } = this.#options;
    const stream = find(schedule.stream);
    this.#put({ ...schedule, nextAt: nextAfter(schedule.next, now), foundAt: now, lastAt: now }, schedule);
    try {
      const parts = partsOf(schedule.batch);
      if (stream !== undefined) placer.checkRoom(stream, parts);
      if (stream !== undefined) placer.place(committer.open, stream, parts);
    } catch {
      // The stream is full and rejects: this time is left out, as any other publisher's message would be.
    }
    // Refused for want of room, it is tried again at the next look.
    committer.stored().catch(() => {});
  }
}

function checkLength(option: string, value: string, lengthMax: number): void {
  if (value.length <= lengthMax) return;
  throw new InvalidOption(
    `the ${option} of a schedule has ${value.length} characters; the limit is ${lengthMax}`,
    { details: { option } },
  );
}

function bytesOf({ shared, records }: RecordBatch): number {
  return shared.length + records.length;
}

function parse(cron: string, timezone: string): Cron {
  try {
    const next = new Cron(cron, { timezone, paused: true });
    // It looks at the time zone only now.
    next.nextRun();
    return next;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidOption(
      `the schedule '${cron}' in the time zone '${timezone}' cannot be read: ${why}; it has five fields (minute hour ` +
        'day month weekday), or six with seconds first',
      { cause, details: { option: 'cron' } },
    );
  }
}

function nextAfter(next: Cron, now: number): number {
  return next.nextRun(new Date(now))?.getTime() ?? Number.POSITIVE_INFINITY;
}

function summary({ name, stream, cron, timezone, paused, nextAt, lastAt }: Schedule): ScheduleSummary {
  const hasNext = !paused && Number.isFinite(nextAt);
  return {
    name,
    stream,
    cron,
    timezone,
    paused,
    ...(hasNext && { nextAt }),
    ...(lastAt !== undefined && { lastAt }),
  };
}

function toStored({
  name,
  stream,
  cron,
  timezone,
  paused,
  batch,
  nextAt,
  foundAt,
  lastAt,
}: Schedule): StoredSchedule {
  const head = encodeBatchHead(batch.count, batch.flags, batch.shared, batch.records);
  const data = new Uint8Array(head.length + batch.records.length);
  data.set(head);
  data.set(batch.records, head.length);
  const definition = { cron, timezone, paused, foundAt, ...(lastAt !== undefined && { lastAt }) };
  return {
    name,
    stream,
    definition,
    data,
    nextAt: Number.isFinite(nextAt) ? nextAt : Number.MAX_SAFE_INTEGER,
  };
}

function fromStored({ name, stream, definition, data, nextAt }: StoredSchedule): Schedule {
  const { cron, timezone, paused, lastAt, ...rest } = definition as StoredDefinition;
  // Versions before this one did not store it.
  const { foundAt = lastAt ?? 0 } = rest;
  const batch = decodeBatch(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  const next = parse(cron, timezone);
  const at = nextAt === Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : nextAt;
  return { name, stream, cron, timezone, paused, batch, next, nextAt: at, foundAt, lastAt };
}
