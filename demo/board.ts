import type { StreamSummary } from '@simplemq/client';
import type { BrokerProcess } from './broker-process.ts';
import { Rate } from './rate.ts';
import type { PublisherRow, ReaderRow, StreamRow } from './rows.ts';

export interface BoardEvent {
  readonly atMs: number;
  readonly text: string;
}

export interface BoardParts {
  readonly title: string;
  readonly broker: BrokerProcess;
  readonly streams: readonly StreamRow[];
  readonly publishers: readonly PublisherRow[];
  readonly readers: readonly ReaderRow[];
}

/** All that is known while the demo runs. What shows it only reads it. */
export class Board {
  readonly title: string;
  readonly broker: BrokerProcess;
  readonly streams: readonly StreamRow[];
  readonly publishers: readonly PublisherRow[];
  readonly readers: readonly ReaderRow[];
  readonly events: BoardEvent[] = [];
  /** Messages per second, a value for each sample. */
  readonly publishedHistory: number[] = [];
  readonly ackedHistory: number[] = [];
  readonly publishedRate: Rate = new Rate();
  readonly ackedRate: Rate = new Rate();
  readonly #beganMs: number = performance.now();

  constructor({ title, broker, streams, publishers, readers }: BoardParts) {
    this.title = title;
    this.broker = broker;
    this.streams = streams;
    this.publishers = publishers;
    this.readers = readers;
  }

  get elapsedMs(): number {
    return performance.now() - this.#beganMs;
  }

  /** Messages confirmed to the publishers: each line reaches as many streams as its publisher's bind matches. */
  get published(): number {
    return sum(this.publishers, (row) => row.confirmed * row.streams);
  }

  get unconfirmed(): number {
    return sum(this.publishers, (row) => (row.sent - row.confirmed) * row.streams);
  }

  get delivered(): number {
    return sum(this.readers, (row) => row.delivered);
  }

  get acked(): number {
    return sum(this.readers, (row) => row.acked);
  }

  get redelivered(): number {
    return sum(this.readers, (row) => row.redelivered);
  }

  get nacked(): number {
    return sum(this.readers, (row) => row.nacked);
  }

  get damaged(): number {
    return sum(this.readers, (row) => row.damaged);
  }

  /** Messages that the broker had given to nobody yet when it was last asked. */
  get waiting(): number {
    return sum(this.streams, (row) => row.waiting);
  }

  /** Messages that were delivered and not acked. */
  get pending(): number {
    return sum(this.streams, (row) => row.pending);
  }

  /** Messages that streams ever took in. */
  get stored(): number {
    return sum(this.streams, (row) => row.published);
  }

  /** Messages that streams hold. */
  get messages(): number {
    return sum(this.streams, (row) => row.messages);
  }

  /** How often each client that still runs has connected. */
  get connects(): ReadonlyMap<string, number> {
    const running = [...this.publishers.filter(({ hasEnded }) => !hasEnded), ...this.readers];
    return new Map(running.map(({ name, connects }) => [name, connects]));
  }

  get clients(): number {
    return this.publishers.length + this.readers.length;
  }

  /** @param text what happened, for the list of events */
  tell(text: string): void {
    this.events.push({ atMs: this.elapsedMs, text });
  }

  /** What the broker says of its streams. */
  heard(summaries: readonly StreamSummary[]): void {
    for (const row of this.streams) {
      const summary = summaries.find(({ name }) => name === row.name);
      if (summary !== undefined) row.heard(summary);
    }
  }

  /** Measures the rates. To be called some times a second. */
  sample(): void {
    const atMs = this.elapsedMs;
    for (const row of this.streams) row.rate.sample(atMs, row.published);
    for (const row of this.publishers) row.rate.sample(atMs, row.confirmed);
    for (const row of this.readers) row.rate.sample(atMs, row.acked);
    const published = this.publishedRate.sample(atMs, this.published);
    const acked = this.ackedRate.sample(atMs, this.acked);
    // The processes take a moment to start, and the picture begins when they have.
    if (this.published === 0) return;
    this.publishedHistory.push(published);
    this.ackedHistory.push(acked);
  }
}

function sum<T>(rows: readonly T[], value: (row: T) => number): number {
  return rows.reduce((total, row) => total + value(row), 0);
}
