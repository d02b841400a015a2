import type { EmbeddedEngineOptions } from '../../packages/broker/src/engine/embedded-engine.ts';
import type { Engine } from '../../packages/broker/src/engine/engine.ts';
import type { Random } from '../fuzz/random.ts';
import type { Book } from './book.ts';
import { allLeft } from './delivery-checks.ts';
import type { Disk } from './disk.ts';
import { Connection } from './network.ts';
import { LATE_MS } from './schedule-book.ts';
import { Session } from './session.ts';
import { SimulatedStore, type StorageFaults } from './simulated-store.ts';
import type { Owner, SimulatedTime } from './simulated-time.ts';

/** Opens the engine that is to be looked at. */
export type OpenEngine = (options: EmbeddedEngineOptions) => Promise<Engine>;

/** After the storage failed, somebody starts the broker again, in ms. */
const REPAIRED_MS = 20;

export interface BrokerProcessOptions {
  readonly open: OpenEngine;
  readonly disk: Disk;
  readonly time: SimulatedTime;
  readonly book: Book;
  readonly random: Random;
  readonly faults: StorageFaults;
  readonly cacheBytesMax: number;
  /** It takes requests: programs that use it may begin. */
  readonly onOpened: () => void;
}

/** The broker's process: one after the other, over one disk. */
export class BrokerProcess {
  readonly #options: BrokerProcessOptions;
  readonly #connections = new Set<Connection<Session>>();
  #owner: Owner = { isGone: true };
  #engine: Engine | undefined;
  #store: SimulatedStore | undefined;
  #isStopping = false;

  constructor(options: BrokerProcessOptions) {
    this.#options = options;
  }

  /** The engine, while it takes connections. */
  get engine(): Engine | undefined {
    return this.#isStopping ? undefined : this.#engine;
  }

  /** While this process is there; what it did for its own sake ends with it. */
  get owner(): Owner {
    return this.#owner;
  }

  /** Settles when it takes connections; never if it is killed before. */
  async start(): Promise<void> {
    const { open, disk, time, book, random, faults, cacheBytesMax } = this.#options;
    const owner: Owner = { isGone: false };
    this.#owner = owner;
    time.process = owner;
    time.bootedAt = time.now;
    book.began();
    const events = {
      refused: () => book.count('commits refused'),
      failed: () => book.count('commits failed'),
    };
    this.#store = new SimulatedStore({ disk, time, owner, random, faults, events });
    const engine = await open({
      store: this.#store,
      cacheBytesMax,
      streamsMax: 100,
      producerWindowMs: 3_600_000,
      dedupIdsMax: 1_000_000,
      onEvent: (event) => {
        if (event.type === 'expired') book.count('expired', event.messages);
        if (event.type === 'redelivered' && event.cause === 'expired')
          book.count('leases run out', event.messages);
      },
    });
    this.#engine = engine;
    book.opened();
    this.#options.onOpened();
    time.after(LATE_MS + 1, () => book.schedules.check(), owner);
    void engine.ended.then(({ error }) => {
      if (error === undefined || owner.isGone) return;
      this.crash();
      time.after(REPAIRED_MS, () => {
        if (this.#owner.isGone) void this.start();
      });
    });
  }

  /** Ends at once, whatever is under way. @returns whether there was anything to end */
  crash(): boolean {
    if (this.#owner.isGone) return false;
    const { book } = this.#options;
    if (this.#store?.isBusy === true) book.count('crashes in a commit');
    this.#end(false);
    return true;
  }

  /** Stops as it is asked to. @returns false when it was stopping, or not there */
  async stop(): Promise<boolean> {
    const engine = this.engine;
    if (engine === undefined || this.#owner.isGone) return false;
    this.#isStopping = true;
    const owner = this.#owner;
    // It ends its followers at once, and what they have goes back.
    allLeft(this.#options.book);
    await engine.close();
    if (owner.isGone) return false;
    this.#end(true);
    return true;
  }

  connect(random: Random, onLost: () => void): Connection<Session> | undefined {
    const { engine } = this;
    if (engine === undefined) return undefined;
    const { time, book } = this.#options;
    const server = new Session({ engine, book, process: this.#owner, random });
    const connection: Connection<Session> = new Connection({
      server,
      time,
      random,
      onLost: () => {
        this.#connections.delete(connection);
        onLost();
      },
    });
    server.connection = connection;
    this.#connections.add(connection);
    return connection;
  }

  #end(isGraceful: boolean): void {
    this.#owner.isGone = true;
    this.#engine = undefined;
    this.#isStopping = false;
    this.#options.book.ended(isGraceful);
    for (const connection of this.#connections) {
      if (connection.unanswered > 0) this.#options.book.count('requests whose fate is unknown');
      connection.serverDied();
    }
    this.#connections.clear();
  }
}
