import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, type Cursor } from '@simplemq/client';
import {
  FaultyProxy,
  type SpawnedBroker,
  spawnBroker,
  type TemporaryFolder,
  temporaryFolder,
} from '@simplemq/testkit';
import { drain } from '../crash/drain.ts';
import { type Fact, now } from '../crash/history/facts.ts';
import type { Violation } from '../crash/history/violation.ts';
import { Load } from '../crash/load/load.ts';
import { STREAMS } from '../crash/load/streams.ts';
import type { Random } from '../fuzz/random.ts';
import { FaultShim } from './shim/fault-shim.ts';

/** A broker that is not up again by then has a fault that nobody ended. */
const UP_MS_MAX = 60_000;
const RETRY_MS = 100;
/** Who is left of a connection notices soon. */
const HEARTBEAT_MS = 2_000;

/** A broker whose disk and clock can fail, a network that can, and a load over it. */
export class World {
  readonly broker: SpawnedBroker;
  readonly proxy: FaultyProxy;
  readonly shim: FaultShim;
  readonly load: Load;
  readonly random: Random;
  /** Ends of the broker, as the checker wants them. */
  readonly #ends: Fact[] = [];
  readonly #folders: readonly TemporaryFolder[];
  /** Over the broker's own port, which no fault of the network touches. */
  readonly #connection: Connection;
  readonly #cursor: Cursor;
  #starting: Promise<boolean> | undefined;

  private constructor(
    parts: Pick<World, 'broker' | 'proxy' | 'shim' | 'load' | 'random'>,
    folders: readonly TemporaryFolder[],
    connection: Connection,
  ) {
    this.broker = parts.broker;
    this.proxy = parts.proxy;
    this.shim = parts.shim;
    this.load = parts.load;
    this.random = parts.random;
    this.#folders = folders;
    this.#connection = connection;
    this.#cursor = connection.cursor();
  }

  static async create(random: Random): Promise<World> {
    const [data, facts, work] = await Promise.all([temporaryFolder(), temporaryFolder(), temporaryFolder()]);
    const shim = await FaultShim.build(work.path, data.path);
    const broker = await spawnBroker({
      logs: { level: 'warn' },
      storage: { path: data.path },
      heartbeatMs: HEARTBEAT_MS,
    });
    await broker.stop();
    broker.launch = { environment: shim.environment };
    await broker.start();
    const proxy = await FaultyProxy.start({ port: broker.port });
    const connection = new Connection({ host: broker.host, port: broker.port, requestTimeoutMs: UP_MS_MAX });
    for (const stream of STREAMS) await connection.cursor().createStream(stream);
    const load = await Load.start(proxy.port, facts.path, random);
    return new World({ broker, proxy, shim, load, random }, [data, facts, work], connection);
  }

  /** Has it gone on for about so long; rejects when the load cannot. */
  async pass(ms: number): Promise<void> {
    await Promise.race([sleep(ms), this.load.failed()]);
  }

  async kill(): Promise<void> {
    await this.broker.kill();
    this.#ended();
  }

  /** Waits for it to end by itself. @returns whether it did in time */
  async endsWithin(ms: number): Promise<boolean> {
    const hasEnded = await Promise.race([this.broker.exited.then(() => true), sleep(ms, false)]);
    if (hasEnded) this.#ended();
    return hasEnded;
  }

  /** Tries to start it if it is down. @returns whether it is up; with a fault of the disk it may not come up */
  start(): Promise<boolean> {
    this.#starting ??= this.#tryStart().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** Ends every fault, and has the broker up again. @throws Error with its log when it does not come up */
  async recover(): Promise<void> {
    const { shim, proxy, broker } = this;
    shim.stopFailing();
    shim.isFull = false;
    shim.syncDelayMs = 0;
    shim.clockOffsetS = 0;
    proxy.isDown = false;
    proxy.delayMs = 0;
    proxy.pieceBytes = 0;
    proxy.readBytesPerSecond = 0;
    proxy.cutDoubles();
    proxy.resume();
    broker.signal('SIGCONT');
    const deadline = now() + UP_MS_MAX;
    while (!(await this.start())) {
      if (now() > deadline) throw new Error(`the broker does not come up: ${broker.log.slice(-2_000)}`);
      await sleep(RETRY_MS);
    }
  }

  /** Has all come to rest. @returns the streams that would not drain */
  drain(): Promise<Violation[]> {
    return drain(this.load, this.#cursor);
  }

  async facts(): Promise<Fact[]> {
    return [...this.#ends, ...(await this.load.facts())];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.load[Symbol.asyncDispose]();
    await this.#connection.close();
    await this.proxy.close();
    await this.broker[Symbol.asyncDispose]();
    this.shim.close();
    for (const folder of this.#folders) await folder[Symbol.asyncDispose]();
  }

  async #tryStart(): Promise<boolean> {
    if (this.broker.isRunning) return true;
    this.#ended();
    try {
      await this.broker.start();
      return true;
    } catch {
      return false;
    }
  }

  #ended(): void {
    this.#ends.push({ kind: 'killed', at: now(), victim: 'broker' });
  }
}
