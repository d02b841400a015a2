import type { GroupSummary, StreamSummary } from '@simplemq/protocol';
import { monotonicMs } from '../clock.ts';
import type { Group } from '../group/group.ts';
import type { StoredLane, StoredStream } from '../store/store.ts';
import { Lane } from './lane.ts';
import type { StreamLog } from './stream-log.ts';
import { readStoredSettings, type StreamSettings } from './stream-settings.ts';

const NEW_LANE: StoredLane = { ordinal: 0, end: 1 };

/**
 * A named, ordered sequence of messages.
 *
 * Invariant: `firstSequence` <= `durableNext` <= `nextSequence`; messages before `durableNext` are durable and may be
 * delivered, those from there on have their numbers and wait for their commit; those before `firstSequence` are gone.
 */
export class Stream {
  readonly id: number;
  readonly name: string;
  readonly createdAt: number;
  readonly groups: Map<string, Group> = new Map();
  /** The one that was not done with what others were the last time that was asked; see work-retention.ts. */
  groupBehind: Group | undefined;
  settings: StreamSettings;
  nextSequence: number;
  durableNext: number;
  firstSequence: number;
  /** When the newest message was taken in: a later one is never given an earlier time. */
  lastTime: number;
  /** Durable messages that are not removed yet, and the bytes of their batches. */
  messages: number;
  bytes: number;
  /** What has a number and waits for its commit. */
  reservedMessages = 0;
  reservedBytes = 0;
  /** What is to enter the stream later. */
  delayedMessages = 0;
  delayedBytes = 0;
  /** Until when it was seen in use, by the monotonic clock; see Sweeper. */
  usedAt: number = monotonicMs();
  /** Whether a message came since the sweeper looked last. */
  hasNews = false;
  isDeleted = false;
  readonly #lanes: (Lane | undefined)[] = [];
  readonly #makeLog: (stream: Stream, lane: number) => StreamLog;

  constructor(stored: StoredStream, makeLog: (stream: Stream, lane: number) => StreamLog) {
    this.id = stored.id;
    this.name = stored.name;
    this.settings = readStoredSettings(stored.options);
    this.createdAt = stored.createdAt;
    this.nextSequence = stored.nextSequence;
    this.durableNext = stored.nextSequence;
    this.firstSequence = stored.firstSequence;
    this.lastTime = stored.lastTime;
    this.messages = stored.messages;
    this.bytes = stored.bytes;
    this.#makeLog = makeLog;
    this.#lanes.push(this.#makeLane(0, stored.lanes[0] ?? NEW_LANE));
    stored.lanes.forEach((lane, number) => {
      if (number > 0 && lane.end > 1) this.#lanes[number] = this.#makeLane(number, lane);
    });
  }

  get isDurable(): boolean {
    return this.settings.storage === 'file';
  }

  get isWork(): boolean {
    return this.settings.retention === 'work';
  }

  /** Those that it has, by number. */
  get lanes(): readonly Lane[] {
    return this.#lanes.filter((lane) => lane !== undefined);
  }

  /** The lane of that number; it and its books come to be with its first message. */
  lane(number: number): Lane {
    const known = this.#lanes[number];
    if (known !== undefined) return known;
    const lane = this.#makeLane(number, NEW_LANE);
    this.#lanes[number] = lane;
    for (const group of this.groups.values()) group.addLane(lane);
    return lane;
  }

  /** The time that a message which comes now is given. */
  takeTime(): number {
    this.hasNews = true;
    this.lastTime = Math.max(this.lastTime, Date.now());
    return this.lastTime;
  }

  /** @param ends where each lane is once the batches under way are stored, by lane number */
  storedLanes(ends: ReadonlyMap<number, StoredLane> | undefined): StoredLane[] {
    return Array.from(this.#lanes, (lane, number) => lane?.toStored(ends?.get(number)) ?? NEW_LANE);
  }

  toStored(): StoredStream {
    const { id, name, createdAt, nextSequence, firstSequence, messages, bytes, lastTime, settings } = this;
    const options = { ...settings };
    const lanes = this.storedLanes(undefined);
    return { id, name, createdAt, nextSequence, firstSequence, messages, bytes, lastTime, options, lanes };
  }

  summary(): StreamSummary {
    const { name, createdAt, messages, bytes, nextSequence, firstSequence, settings, delayedMessages } = this;
    const groups = [...this.groups.values()].map(groupSummary);
    const counts = { createdAt, messages, bytes, nextSequence, firstSequence, delayed: delayedMessages };
    return { name, ...settings, ...counts, groups };
  }

  #makeLane(number: number, stored: StoredLane): Lane {
    return new Lane(number, this.#makeLog(this, number), stored);
  }
}

export function groupSummary(group: Group): GroupSummary {
  const { name, followers, lag, redelivered, pending, ackFloor } = group;
  return { name, followers, lag, redelivered, pending, ackFloor };
}
