import type {
  Attributes,
  GroupOptions,
  SequenceRange,
  SimpleMQError,
  StartFrom,
  StreamRanges,
} from '@simplemq/protocol';
import type {
  DeliveredRun,
  Engine,
  EngineFollower,
  FollowerSink,
  FollowRequest,
} from '../src/engine/engine.ts';
import { readBack } from './batches.ts';

export interface Delivery {
  readonly stream: string;
  readonly sequence: number;
  readonly attempt: number;
  readonly body: string;
  readonly attributes: Attributes;
}

/** What settles a delivery needs of it. */
type Settled = Pick<Delivery, 'stream' | 'sequence' | 'attempt'>;

const CREDIT_BYTES = 2 ** 40;

type Follow = { stream: string } | { pattern: string };

export interface RecordingFollowerOptions {
  /** Default 0. */
  readonly credit?: number;
  readonly bytesUpTo?: number;
  readonly leaseMs?: number;
  readonly client?: string;
  readonly group?: string;
  readonly startFrom?: StartFrom;
  /** Of the group, should it come to be with this follower. */
  readonly options?: GroupOptions;
}

/** A follower that writes down what it gets, and gives credit only when it is told to. */
export class RecordingFollower implements FollowerSink {
  readonly deliveries: Delivery[] = [];
  readonly runs: DeliveredRun[] = [];
  endedWith: SimpleMQError | undefined;
  /** What `deliver` answers: false for a sink that is full. */
  takes = true;
  /** Called for each run, in the engine's own stack. */
  onRun: (deliveries: readonly Delivery[]) => void = () => {};
  #follower: EngineFollower | undefined;
  #upTo = 0;
  #waiting: { isDone: () => boolean; resolve: () => void }[] = [];

  static async follow(
    engine: Engine,
    bind: Follow,
    options: RecordingFollowerOptions = {},
  ): Promise<RecordingFollower> {
    const follower = new RecordingFollower();
    await follower.start(engine, bind, options);
    return follower;
  }

  async start(engine: Engine, bind: Follow, options: RecordingFollowerOptions = {}): Promise<void> {
    const { credit = 0, client = 'test', bytesUpTo = CREDIT_BYTES, ...rest } = options;
    this.#upTo = credit;
    const request: FollowRequest = { bind, client, upTo: credit, bytesUpTo, ...rest };
    this.#follower = await engine.follow(request, this);
  }

  get engineFollower(): EngineFollower {
    return this.#follower!;
  }

  get id(): number {
    return this.engineFollower.id;
  }

  get bodies(): string[] {
    return this.deliveries.map(({ body }) => body);
  }

  get sequences(): number[] {
    return this.deliveries.map(({ sequence }) => sequence);
  }

  get attempts(): number[] {
    return this.deliveries.map(({ attempt }) => attempt);
  }

  deliver(run: DeliveredRun): boolean {
    const { stream, first, attempt } = run;
    const deliveries = readBack(run).map((record, index) => {
      return { stream, sequence: first + index, attempt, ...record };
    });
    this.runs.push(run);
    for (const delivery of deliveries) this.deliveries.push(delivery);
    this.onRun(deliveries);
    this.#tell();
    return this.takes;
  }

  ended(reason: SimpleMQError): void {
    this.endedWith = reason;
    this.#tell();
  }

  /** Lets it take `more` messages beyond all credit that it had. */
  credit(more: number): void {
    this.#upTo += more;
    this.engineFollower.credit(this.#upTo, CREDIT_BYTES);
  }

  /** Settles when it has had this many deliveries in all. */
  async until(count: number): Promise<readonly Delivery[]> {
    await this.#when(() => this.deliveries.length >= count);
    return this.deliveries;
  }

  /** Gives credit for one more message, and settles with it when it has come. */
  async next(): Promise<Delivery> {
    const count = this.deliveries.length;
    this.credit(1);
    await this.until(count + 1);
    return this.deliveries[count]!;
  }

  async untilEnded(): Promise<SimpleMQError> {
    await this.#when(() => this.endedWith !== undefined);
    return this.endedWith!;
  }

  ack(...deliveries: readonly Delivery[]): Promise<readonly StreamRanges[]> {
    return this.engineFollower.ack(rangesOf(deliveries));
  }

  nack(deliveries: readonly Delivery[], delayMs = 0): Promise<readonly StreamRanges[]> {
    return this.engineFollower.nack(rangesOf(deliveries), { delayMs });
  }

  /** Nacks that leave the delay to the retry policy of the group. */
  fail(deliveries: readonly Delivery[], reason?: string): Promise<readonly StreamRanges[]> {
    return this.engineFollower.nack(rangesOf(deliveries), { ...(reason !== undefined && { reason }) });
  }

  reject(deliveries: readonly Delivery[], reason?: string): Promise<readonly StreamRanges[]> {
    return this.engineFollower.reject(rangesOf(deliveries), { ...(reason !== undefined && { reason }) });
  }

  release(...deliveries: readonly Delivery[]): Promise<readonly StreamRanges[]> {
    return this.engineFollower.release(rangesOf(deliveries));
  }

  extend(...deliveries: readonly Delivery[]): Promise<readonly StreamRanges[]> {
    return this.engineFollower.extend(rangesOf(deliveries));
  }

  close(): void {
    this.engineFollower.close();
  }

  lose(): void {
    this.engineFollower.lose();
  }

  #when(isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ isDone, resolve }));
  }

  #tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const entry of waiting) {
      if (entry.isDone()) entry.resolve();
      else this.#waiting.push(entry);
    }
  }
}

/** The ranges that name these deliveries, neighbours in one range. */
export function rangesOf(deliveries: readonly Settled[]): StreamRanges[] {
  const byStream = Map.groupBy(deliveries, ({ stream }) => stream);
  return [...byStream].map(([stream, those]) => ({ stream, ranges: joined(those) }));
}

function joined(deliveries: readonly Settled[]): SequenceRange[] {
  const ranges: { first: number; last: number; attempt: number }[] = [];
  for (const { sequence, attempt } of deliveries) {
    const before = ranges[ranges.length - 1];
    if (before?.attempt === attempt && before.last + 1 === sequence) before.last = sequence;
    else ranges.push({ first: sequence, last: sequence, attempt });
  }
  return ranges;
}

/** Every sequence number of the ranges, as `stream/sequence@attempt`. */
export function spelledOut(entries: readonly StreamRanges[]): string[] {
  return entries.flatMap(({ stream, ranges }) =>
    ranges.flatMap(({ first, last, attempt }) =>
      Array.from({ length: last - first + 1 }, (_, index) => `${stream}/${first + index}@${attempt}`),
    ),
  );
}
