import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@simplemq/client';
import { type SpawnedBroker, spawnBroker, temporaryFolder } from '@simplemq/testkit';
import { Random } from '../fuzz/random.ts';
import { drain } from './drain.ts';
import { checkHistory, type Verdict } from './history/check-history.ts';
import { type Fact, now } from './history/facts.ts';
import { Load } from './load/load.ts';
import { ALL, SOLO, STREAMS, TO_ALL } from './load/streams.ts';

/** Who is killed. */
export const VICTIMS = ['broker', 'workers', 'publishers', 'any'] as const;
export type VictimChoice = (typeof VICTIMS)[number];
type Victim = Exclude<VictimChoice, 'any'>;

export interface CrashRunOptions {
  readonly kills: number;
  readonly seed: number;
  readonly victim: VictimChoice;
  readonly onKill?: (kill: KillReport) => void;
  /** Ends it without a verdict: it throws the reason. */
  readonly signal?: AbortSignal;
}

export interface KillReport {
  readonly number: number;
  readonly victim: string;
  /** How long it had been up; less than 0 for a broker that was still starting. */
  readonly upMs: number;
  /** How long it took until it was there again. */
  readonly restartMs: number;
}

const UP_MS_MIN = 20;
const UP_MS_MAX = 800;
/** Of so many kills of the broker one comes while it starts. */
const WHILE_STARTING_EVERY = 5;

/** Kills at random moments under load, lets everything come to rest, and holds what was seen against the promises. */
export async function crashRun(options: CrashRunOptions): Promise<Verdict> {
  const random = new Random(options.seed);
  await using folder = await temporaryFolder();
  await using broker = await spawnBroker({ logs: { level: 'warn' } });
  await using connection = new Connection({ host: broker.host, port: broker.port });
  const cursor = connection.cursor();
  for (const stream of STREAMS) await cursor.createStream(stream);
  await using load = await Load.start(broker.port, folder.path, random);
  const kills: Fact[] = [];
  const killer = new Killer({ broker, load, random, kills });
  for (let number = 1; number <= options.kills; number++) {
    const victim = options.victim === 'any' ? random.pick(VICTIMS.slice(0, 3) as Victim[]) : options.victim;
    const report = await Promise.race([killer.kill(victim), load.failed()]);
    options.signal?.throwIfAborted();
    options.onKill?.({ number, ...report });
  }
  const left = await drain(load, cursor);
  const { violations, counts } = checkHistory([...kills, ...(await load.facts())], {
    streamsOf: (publisher) => (publisher.includes(TO_ALL) ? ALL : undefined),
    soloStreams: [SOLO],
  });
  return { violations: [...left, ...violations], counts };
}

interface KillerOptions {
  readonly broker: SpawnedBroker;
  readonly load: Load;
  readonly random: Random;
  /** Where it writes its kills down. */
  readonly kills: Fact[];
}

class Killer {
  readonly #broker: SpawnedBroker;
  readonly #load: Load;
  readonly #random: Random;
  readonly #kills: Fact[];
  /** How long the broker took to start the last time. */
  #startMs = 300;

  constructor({ broker, load, random, kills }: KillerOptions) {
    this.#broker = broker;
    this.#load = load;
    this.#random = random;
    this.#kills = kills;
  }

  async kill(victim: Victim): Promise<Omit<KillReport, 'number'>> {
    if (victim === 'broker') return this.#killBroker();
    const upMs = await this.#wait();
    const name = await this.#load.kill(victim);
    const killedAt = this.#killed(name);
    await this.#load.replace();
    return { victim: name, upMs, restartMs: now() - killedAt };
  }

  async #killBroker(): Promise<Omit<KillReport, 'number'>> {
    const whileStarting = this.#random.below(WHILE_STARTING_EVERY) === 0;
    const upMs = whileStarting ? await this.#killStarting() : await this.#wait();
    await this.#broker.kill();
    const killedAt = this.#killed('broker');
    await this.#broker.start();
    this.#startMs = now() - killedAt;
    return { victim: 'broker', upMs, restartMs: this.#startMs };
  }

  /** Kills it when it is up, for it to be killed again at some moment of its start. */
  async #killStarting(): Promise<number> {
    await this.#wait();
    await this.#broker.kill();
    this.#killed('broker');
    // It will be killed before it listens, or soon after.
    this.#broker.start().catch(() => {});
    const afterMs = this.#random.below(Math.ceil(this.#startMs * 1.1));
    await sleep(afterMs);
    return afterMs - this.#startMs;
  }

  async #wait(): Promise<number> {
    const upMs = UP_MS_MIN + this.#random.below(UP_MS_MAX - UP_MS_MIN);
    await sleep(upMs);
    return upMs;
  }

  #killed(victim: string): number {
    const at = now();
    this.#kills.push({ kind: 'killed', at, victim });
    return at;
  }
}
