import {
  type Feature,
  type GroupInfo,
  type GroupOptions,
  type Reloaded,
  type StreamOptions,
  type StreamSummary,
  Unsupported,
  type WelcomeLimits,
} from '@simplemq/protocol';
import type { Bind } from '../bind.ts';
import type { Connection } from '../connection/connection.ts';
import { type ConnectionCore, coreOf } from '../connection/core.ts';
import { openSession } from '../connection/open-session.ts';
import type { DeadLetterMessage } from '../message/dead-letter-message.ts';
import type { ReadMessage } from '../message/read-message.ts';
import type { From } from '../start-from.ts';
import type { Ask } from './ask.ts';
import { type Backup, beginBackup } from './backup.ts';
import {
  type DeadLetterOptions,
  deadLetters,
  deleteDeadLetters,
  type MoveLettersOptions,
  redrive,
} from './dead-letters.ts';
import { cancelDelayed, type DelayedMessages, listDelayed } from './delayed.ts';
import {
  type CreateGroupOptions,
  createGroup,
  deleteGroup,
  groupInfo,
  listGroups,
  resetGroup,
  updateGroup,
} from './groups.ts';
import { type Health, health, reload } from './operation.ts';
import { type PendingFilter, type PendingMessage, pending } from './pending.ts';
import { type BrowseOptions, browse, type ReadOptions, read } from './read.ts';
import {
  deleteSchedule,
  listSchedules,
  pauseSchedule,
  type ScheduleOptions,
  type ScheduleSummary,
  saveSchedule,
} from './schedules.ts';
import {
  createStream,
  deleteStream,
  listStreams,
  type PurgeOptions,
  purgeStream,
  streamInfo,
  updateStream,
} from './streams.ts';

/** What the broker tells of itself when a connection opens. */
export interface SessionInfo {
  readonly server: string;
  readonly version: number;
  readonly limits: WelcomeLimits;
  readonly features: readonly string[];
}

/**
 * The management object: streams, groups, what they hold, dead letters, delayed messages, schedules. Every method
 * rejects with RequestTimeout or ConnectionLost. A request whose connection was lost before its answer is sent again
 * where asking twice is as good as once; where it is not the method says so, and what was asked may have been done.
 */
export class Cursor {
  readonly #core: ConnectionCore;
  readonly #open = new Set<Promise<unknown>>();
  readonly #ask: Ask = (request) => this.#track(this.#core.requests.send(request));

  constructor(connection: Connection) {
    this.#core = coreOf(connection);
  }

  /** Connects, where that was not done yet, and tells what the broker is and can do. */
  session(): Promise<SessionInfo> {
    return this.#track(openSession(this.#core.link)).then(({ server, version, limits, features }) => ({
      server,
      version,
      limits,
      features,
    }));
  }

  /**
   * Creates a stream. One that is there with the same options is left as it is.
   *
   * @returns whether it was created now
   * @throws StreamConflict naming the option that differs; InvalidName, InvalidOption, TooManyStreams
   */
  createStream(name: string, options: StreamOptions = {}): Promise<boolean> {
    return createStream(this.#ask, name, options);
  }

  /**
   * Changes a stream's limits, overflow, window or expiry; what is left out stays, and 0 takes a limit away.
   *
   * @throws StreamNotFound; StreamConflict on storage and retention, which cannot change; InvalidOption
   */
  updateStream(name: string, options: StreamOptions): Promise<void> {
    return updateStream(this.#ask, name, options);
  }

  /**
   * Deletes a stream with its messages and groups. Not sent again.
   *
   * @throws StreamNotFound
   */
  deleteStream(name: string): Promise<void> {
    return deleteStream(this.#ask, name);
  }

  /**
   * Removes messages of a stream, delivered or not; its sequence numbers go on. Without options all of them go.
   *
   * @returns how many went
   * @throws StreamNotFound, InvalidOption
   */
  purgeStream(name: string, options: PurgeOptions = {}): Promise<number> {
    return purgeStream(this.#ask, name, options);
  }

  /** The streams that the bind matches, by name; without one all but the broker's own. */
  listStreams(bind?: Bind): Promise<StreamSummary[]> {
    return listStreams(this.#ask, bind);
  }

  /** @throws StreamNotFound */
  streamInfo(name: string): Promise<StreamSummary> {
    return streamInfo(this.#ask, name);
  }

  /**
   * Creates a group. One that is there with the same options is left as it is, and where it is.
   *
   * @returns whether it was created now
   * @throws StreamNotFound; StreamConflict naming the option that differs; InvalidName, InvalidOption
   */
  createGroup(stream: string, group: string, options: CreateGroupOptions = {}): Promise<boolean> {
    return createGroup(this.#ask, stream, group, options);
  }

  /**
   * Changes options of a group; what is left out stays.
   *
   * @throws StreamNotFound, GroupNotFound, InvalidOption
   */
  updateGroup(stream: string, group: string, options: GroupOptions): Promise<void> {
    return updateGroup(this.#ask, stream, group, options);
  }

  /**
   * Deletes a group with its place and its pending entries; its followers end. Not sent again.
   *
   * @throws StreamNotFound, GroupNotFound
   */
  deleteGroup(stream: string, group: string): Promise<void> {
    return deleteGroup(this.#ask, stream, group);
  }

  /** The groups of a stream, by name. @throws StreamNotFound */
  listGroups(stream: string): Promise<GroupInfo[]> {
    return listGroups(this.#ask, stream);
  }

  /** @throws StreamNotFound, GroupNotFound */
  groupInfo(stream: string, group: string): Promise<GroupInfo> {
    return groupInfo(this.#ask, stream, group);
  }

  /**
   * Moves a group: every message from there on is delivered, again if it was before, in attempt 1; every one before it
   * counts as acked. What its followers hold is not theirs any more. Not sent again.
   *
   * @throws StreamNotFound, GroupNotFound, InvalidOption
   */
  resetGroup(stream: string, group: string, startFrom: From): Promise<void> {
    return resetGroup(this.#ask, stream, group, startFrom);
  }

  /**
   * The messages of a group that were delivered and not acked, by sequence number.
   *
   * @throws StreamNotFound, GroupNotFound, InvalidOption
   */
  pending(stream: string, filter: PendingFilter = {}): Promise<PendingMessage[]> {
    return pending(this.#ask, stream, filter);
  }

  /**
   * Messages that a stream holds, by sequence number. Nothing is consumed.
   *
   * @throws StreamNotFound, InvalidOption
   */
  read<T = unknown>(stream: string, options: ReadOptions = {}): Promise<ReadMessage<T>[]> {
    return read<T>(this.#ask, stream, options);
  }

  /**
   * All messages that a stream holds when the loop begins, page by page. Nothing is consumed.
   *
   * @throws from the loop: StreamNotFound, InvalidOption
   */
  browse<T = unknown>(stream: string, options: BrowseOptions = {}): AsyncIterable<ReadMessage<T>> {
    return browse<T>(this.#ask, stream, options);
  }

  /**
   * Messages that died in a stream, by their sequence number in its dead-letter stream `$dead.<stream>`.
   *
   * @throws StreamNotFound, InvalidOption
   */
  deadLetters<T = unknown>(stream: string, options: DeadLetterOptions = {}): Promise<DeadLetterMessage<T>[]> {
    return deadLetters<T>(this.#ask, stream, options);
  }

  /**
   * Puts dead letters back into their stream as new messages, each for the group in which it died. Those that die
   * meanwhile are left. No page is sent again.
   *
   * @returns how many
   * @throws StreamNotFound, StreamFull, InvalidOption; what was moved before stays so
   */
  redrive(stream: string, options: MoveLettersOptions = {}): Promise<number> {
    return redrive(this.#ask, stream, options);
  }

  /**
   * Deletes dead letters for good. No page is sent again.
   *
   * @returns how many
   * @throws StreamNotFound, InvalidOption
   */
  deleteDeadLetters(stream: string, options: MoveLettersOptions = {}): Promise<number> {
    return deleteDeadLetters(this.#ask, stream, options);
  }

  /**
   * Messages that enter a stream later, by their ids; at most `limit` entries, by default 1,000.
   *
   * @throws StreamNotFound, InvalidOption
   */
  delayed(stream: string, options: { limit?: number } = {}): Promise<DelayedMessages[]> {
    return listDelayed(this.#ask, stream, options.limit);
  }

  /**
   * Delayed messages of these ids never enter the stream; ids that are due already are passed over. Not sent again.
   *
   * @returns how many messages were cancelled
   * @throws StreamNotFound, InvalidOption
   */
  cancelDelayed(stream: string, ids: readonly number[]): Promise<number> {
    return cancelDelayed(this.#ask, stream, ids);
  }

  /**
   * Creates a schedule, or puts another definition in its place.
   *
   * @throws StreamNotFound, InvalidName, InvalidOption, MessageTooLarge
   */
  saveSchedule(name: string, options: ScheduleOptions): Promise<ScheduleSummary> {
    return saveSchedule(this.#ask, name, options);
  }

  /** All schedules, by name. */
  listSchedules(): Promise<ScheduleSummary[]> {
    return listSchedules(this.#ask);
  }

  /** The schedule publishes nothing until it is resumed. @throws ScheduleNotFound */
  pauseSchedule(name: string): Promise<ScheduleSummary> {
    return pauseSchedule(this.#ask, name, true);
  }

  /** The schedule goes on with its next time from now. @throws ScheduleNotFound */
  resumeSchedule(name: string): Promise<ScheduleSummary> {
    return pauseSchedule(this.#ask, name, false);
  }

  /** What the schedule has published stays. Not sent again. @throws ScheduleNotFound */
  deleteSchedule(name: string): Promise<void> {
    return deleteSchedule(this.#ask, name);
  }

  /**
   * Begins a copy of all that is confirmed by now; the broker goes on meanwhile. It is ended by the broker when it is
   * taken more slowly than `backupPatienceMs` of its settings allows, and with the connection. Not sent again.
   *
   * @throws BackupRunning when there is one under way; Unsupported by a broker that keeps nothing on a disk
   */
  async backup(): Promise<Backup> {
    await this.#mustHave('backup', 'a backup');
    return beginBackup(this.#ask);
  }

  /** Whether the broker is ready, and if not, why. It is answered without the storage being asked. */
  async health(): Promise<Health> {
    await this.#mustHave('health', 'whether it is ready');
    return health(this.#ask);
  }

  /**
   * Has the broker read its settings again. Only from the machine that it runs on.
   *
   * @returns the names of the settings that changed, and of those that another value was given that needs a restart
   * @throws InvalidOption when the settings are wrong: nothing was changed; Forbidden from another machine
   */
  async reload(): Promise<Reloaded> {
    await this.#mustHave('reload', 'a reload');
    return reload(this.#ask);
  }

  /** Waits for the requests that this cursor has open. The connection stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#open);
  }

  /** @throws Unsupported by a broker of an older version, which would close the connection */
  async #mustHave(feature: Feature, what: string): Promise<void> {
    const { features, server } = await this.session();
    if (features.includes(feature)) return;
    throw new Unsupported(`${what} was asked of ${server}, which lacks the feature '${feature}'`, {
      details: { feature },
    });
  }

  #track<R>(promise: Promise<R>): Promise<R> {
    this.#open.add(promise);
    const done = () => this.#open.delete(promise);
    promise.then(done, done);
    return promise;
  }
}
