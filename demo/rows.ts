import type { StreamSummary } from '@simplemq/client';
import type { PublisherReport, ReaderReport } from './messages.ts';
import { countOf } from './number-ranges.ts';
import { Rate } from './rate.ts';

/** A stream, as the broker told of it last. */
export class StreamRow {
  readonly name: string;
  readonly rate: Rate = new Rate();
  published = 0;
  waiting = 0;
  pending = 0;
  /** Messages that it holds. */
  messages = 0;

  constructor(name: string) {
    this.name = name;
  }

  heard(summary: StreamSummary): void {
    this.published = summary.nextSequence - 1;
    this.messages = summary.messages;
    this.waiting = summary.groups.reduce((sum, { lag }) => sum + lag, 0);
    this.pending = summary.groups.reduce((sum, { pending }) => sum + pending, 0);
  }
}

/** A publisher's process, as it reported last. It counts lines. */
export class PublisherRow {
  readonly name: string;
  /** How many streams each of its lines goes to. */
  readonly streams: number;
  readonly rate: Rate = new Rate();
  sent = 0;
  confirmed = 0;
  connects = 0;
  durability = '';
  hasEnded = false;

  constructor(name: string, streams: number) {
    this.name = name;
    this.streams = streams;
  }

  heard({ sent, confirmed, connects, durability }: PublisherReport): void {
    this.sent = sent;
    this.confirmed = confirmed;
    this.connects = connects;
    this.durability = durability;
  }
}

/** A worker's or the follower's process: the sum of what it reported. */
export class ReaderRow {
  readonly name: string;
  /** What is special about it. */
  readonly note: string;
  readonly rate: Rate = new Rate();
  delivered = 0;
  acked = 0;
  redelivered = 0;
  nacked = 0;
  damaged = 0;
  refused = 0;
  connects = 0;

  constructor(name: string, note: string) {
    this.name = name;
    this.note = note;
  }

  heard(report: ReaderReport): void {
    this.delivered += report.delivered;
    this.redelivered += report.redelivered;
    this.nacked += report.nacked;
    this.damaged += report.damaged;
    this.refused += report.refused;
    this.connects += report.connects;
    this.acked += countOf(report.acked);
  }
}
