import { StorageFull } from '@simplemq/protocol';
import type {
  DelayedPage,
  FrontRequest,
  ListDelayedRequest,
  ReadDelayedRequest,
  ReadFailuresRequest,
  ReadRequest,
  SeekRequest,
  Store,
  StoreCommitted,
  StoredDelayed,
  StoredFailure,
  StoreHealth,
  StoreSnapshot,
  StoreTransaction,
} from '../../packages/broker/src/store/store.ts';
import { Batch } from '../../packages/broker/src/stream/batch.ts';
import type { Random } from '../fuzz/random.ts';
import { between, happens } from './derived.ts';
import type { Disk } from './disk.ts';
import type { Owner, SimulatedTime } from './simulated-time.ts';

/** What is wrong with the storage just now. */
export interface StorageFaults {
  /** 'messages': there is no room for messages; 'all': not for anything. */
  full: 'no' | 'messages' | 'all';
  /** How many times as long as usual everything takes. */
  slowness: number;
  /** The next commit fails for good, and is on the disk or not. */
  failsNext: 'no' | 'applied' | 'notApplied';
}

/** What happened to commits, for those who count. */
export interface StorageEvents {
  refused(): void;
  failed(): void;
}

interface Request {
  readonly work: () => unknown;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The storage of one run of the broker over a disk that outlives it. As the storage thread it does one request after the
 * other, and each takes its time; a process that is killed takes with it what was not done, and the answers under way.
 */
export class SimulatedStore implements Store {
  readonly durability = 'fsync';
  readonly #disk: Disk;
  readonly #time: SimulatedTime;
  readonly #owner: Owner;
  readonly #random: Random;
  readonly #faults: StorageFaults;
  readonly #events: StorageEvents;
  readonly #requests: Request[] = [];
  #isBusy = false;
  #answeredAt = 0;

  constructor(options: {
    disk: Disk;
    time: SimulatedTime;
    owner: Owner;
    random: Random;
    faults: StorageFaults;
    events: StorageEvents;
  }) {
    this.#disk = options.disk;
    this.#time = options.time;
    this.#owner = options.owner;
    this.#random = options.random;
    this.#faults = options.faults;
    this.#events = options.events;
  }

  health(): StoreHealth {
    return { isFull: false };
  }

  /** Whether a commit or a read is under way. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  load(): Promise<StoreSnapshot> {
    return this.#ask(() => ({ ...this.#disk.model.snapshot() }));
  }

  commit(transaction: StoreTransaction, movedBytes = 0): Promise<StoreCommitted> {
    // As the store on SQLite does it.
    if (Object.values(transaction).every((part: readonly unknown[]) => part.length === 0)) {
      return Promise.resolve({ removed: [] });
    }
    const own = copied(transaction);
    const bytes = [...own.batches, ...own.delayed].reduce((sum, { batch }) => sum + batch.bytes, 0);
    return this.#ask(() => {
      const { full, failsNext } = this.#faults;
      if (failsNext !== 'no') {
        this.#faults.failsNext = 'no';
        this.#events.failed();
        if (failsNext === 'applied') this.#disk.apply(own);
        throw new Error('the simulated disk is broken');
      }
      if (full === 'all' || (full === 'messages' && bytes > movedBytes)) {
        this.#events.refused();
        throw new StorageFull('the storage is full: the simulated disk has no room');
      }
      return this.#disk.apply(own);
    });
  }

  read(request: ReadRequest): Promise<Batch[]> {
    return this.#ask(async () => (await this.#disk.model.read(request)).map(anew));
  }

  seek(request: SeekRequest): Promise<number | undefined> {
    return this.#ask(() => this.#disk.model.seek(request));
  }

  front(request: FrontRequest): Promise<number | undefined> {
    return this.#ask(() => this.#disk.model.front(request));
  }

  readDelayed(request: ReadDelayedRequest): Promise<DelayedPage> {
    return this.#ask(async () => {
      const { due, ...next } = await this.#disk.model.readDelayed(request);
      return { due: due.map((delayed) => ({ ...delayed, batch: anew(delayed.batch) })), ...next };
    });
  }

  listDelayed(request: ListDelayedRequest): Promise<StoredDelayed[]> {
    return this.#ask(() => this.#disk.model.listDelayed(request));
  }

  readFailures(request: ReadFailuresRequest): Promise<StoredFailure[]> {
    return this.#ask(() => this.#disk.model.readFailures(request));
  }

  close(): Promise<void> {
    return this.#ask(() => {});
  }

  #ask<T>(work: () => T | Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#requests.push({ work, resolve: resolve as Request['resolve'], reject });
    if (!this.#isBusy) this.#next();
    return promise;
  }

  #next(): void {
    const request = this.#requests.shift();
    this.#isBusy = request !== undefined;
    if (request === undefined) return;
    const { slowness } = this.#faults;
    const tookMs =
      slowness * (happens(this.#random, 5) ? between(this.#random, 1, 20) : between(this.#random, 0.1, 1));
    this.#time.after(tookMs, () => this.#do(request), this.#owner);
  }

  #do({ work, resolve, reject }: Request): void {
    let answer: () => void;
    try {
      const value = work();
      answer = () => resolve(value as never);
    } catch (error) {
      answer = () => reject(error);
    }
    // Between what is done and who hears of it a process may die.
    this.#answeredAt = Math.max(this.#answeredAt, this.#time.now + between(this.#random, 0.01, 0.3));
    this.#time.at(this.#answeredAt, answer, this.#owner);
    this.#next();
  }
}

/** What was given to a store is the store's: what the broker changes later is not in it. */
function copied(transaction: StoreTransaction): StoreTransaction {
  return {
    ...transaction,
    createdStreams: transaction.createdStreams.map(({ options, lanes, ...stream }) => ({
      ...stream,
      options: { ...options },
      lanes: lanes.map((lane) => ({ ...lane })),
    })),
    updatedStreams: transaction.updatedStreams.map(({ id, options }) => ({ id, options: { ...options } })),
    streams: transaction.streams.map(({ lanes, ...stream }) => ({
      ...stream,
      lanes: lanes.map((lane) => ({ ...lane })),
    })),
    groups: transaction.groups.map(({ policy, positions, ...group }) => ({
      ...group,
      policy: { ...policy },
      positions: positions.map((position) => ({ ...position })),
    })),
    failures: transaction.failures.map((failure) => ({ ...failure })),
    batches: [...transaction.batches],
    removals: [...transaction.removals],
    delayed: [...transaction.delayed],
    removedDelayed: [...transaction.removedDelayed],
  };
}

function anew({ first, count, ordinal, time, flags, shared, records }: Batch): Batch {
  return new Batch({ first, count, ordinal, time, flags, shared, records });
}
