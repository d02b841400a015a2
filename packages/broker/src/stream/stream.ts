import type { GroupSummary, StreamSummary } from '@simplemq/protocol';
import type { Group } from '../group/group.ts';
import type { StoredStream } from '../store/store.ts';
import type { StreamLog } from './stream-log.ts';

/** How a stream is kept, every option set. */
export interface StreamSettings {
  readonly storage: 'file' | 'memory';
  readonly retention: 'work';
}

/**
 * A named, ordered sequence of messages.
 *
 * Invariant: `durableNext` <= `nextSequence`; messages before `durableNext` are durable and may be delivered, those
 * from there on have their numbers and wait for their commit.
 */
export class Stream {
  readonly id: number;
  readonly name: string;
  readonly settings: StreamSettings;
  readonly createdAt: number;
  readonly groups: Map<string, Group> = new Map();
  readonly log: StreamLog;
  nextSequence: number;
  durableNext: number;
  /** Durable messages that are not removed yet, and the bytes of their batches. */
  messages: number;
  bytes: number;
  isDeleted = false;

  constructor(stored: StoredStream, log: (stream: Stream) => StreamLog) {
    this.id = stored.id;
    this.name = stored.name;
    this.settings = { storage: stored.options.storage === 'memory' ? 'memory' : 'file', retention: 'work' };
    this.createdAt = stored.createdAt;
    this.nextSequence = stored.nextSequence;
    this.durableNext = stored.nextSequence;
    this.messages = stored.messages;
    this.bytes = stored.bytes;
    this.log = log(this);
  }

  get isDurable(): boolean {
    return this.settings.storage === 'file';
  }

  /** The lowest sequence number that some group has still to read. */
  get readFrom(): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const group of this.groups.values()) lowest = Math.min(lowest, group.ledger.readPosition);
    return lowest === Number.POSITIVE_INFINITY ? 1 : lowest;
  }

  toStored(): StoredStream {
    const { id, name, createdAt, nextSequence, messages, bytes } = this;
    return { id, name, createdAt, nextSequence, messages, bytes, options: { ...this.settings } };
  }

  summary(): StreamSummary {
    const { name, createdAt, messages, bytes, nextSequence } = this;
    const groups = [...this.groups.values()].map(groupSummary);
    return { name, ...this.settings, createdAt, messages, bytes, nextSequence, groups };
  }
}

function groupSummary({ name, followers, lag, redelivered, ledger }: Group): GroupSummary {
  return { name, followers, lag, redelivered, pending: ledger.pending.size, ackFloor: ledger.ackFloor };
}
