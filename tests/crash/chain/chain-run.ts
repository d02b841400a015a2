import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, type Cursor } from '@simplemq/client';
import { spawnBroker } from '@simplemq/testkit';
import { Random } from '../../fuzz/random.ts';
import { type ChainOutcome, type ChainViolation, checkChain, diedOfKills } from './check-chain.ts';
import { Feeder } from './feeder.ts';
import { INPUTS, poisonedAt, STAGES, STREAMS } from './jobs.ts';
import { type ChainKill, ChainKiller, type ChainVictim } from './killer.ts';
import { depths, readLetters, readResults, redrive } from './outcome.ts';
import { GROUP, GROUP_OPTIONS } from './stage-options.ts';
import { Stages } from './stages.ts';

export interface ChainRunOptions {
  readonly kills: number;
  readonly seed: number;
  readonly victim: ChainVictim;
  readonly onKill?: (kill: ChainKill & { readonly number: number; readonly jobs: number }) => void;
}

export interface ChainVerdict {
  readonly violations: readonly ChainViolation[];
  readonly counts: ChainCounts;
}

export interface ChainCounts {
  readonly brokerKills: number;
  readonly stageKills: number;
  readonly jobs: number;
  readonly results: number;
  readonly poison: number;
  readonly letters: number;
  /** Attempts of poison jobs that ended with the handler's error, and with a kill. */
  readonly toldAttempts: number;
  readonly killedAttempts: number;
  /** Jobs that kills alone brought to the dead letters, and that were redriven. */
  readonly redriven: number;
}

const LOOK_MS = 50;
/** Without any progress for this long the chain will not come to rest any more. */
const STALL_MS = 20_000;

/** Kills at random moments, lets the chain come to rest, and looks whether each job has its one end. */
export async function chainRun({ kills, seed, victim, onKill }: ChainRunOptions): Promise<ChainVerdict> {
  const random = new Random(seed);
  await using broker = await spawnBroker({ logs: { level: 'warn' } });
  await using connection = new Connection({
    host: broker.host,
    port: broker.port,
    requestTimeoutMs: 60_000,
    reconnect: { minDelayMs: 10, maxDelayMs: 60 },
  });
  const cursor = connection.cursor();
  await create(cursor);
  await using stages = await Stages.start(broker.port, random);
  const feeder = new Feeder(connection, new Random(seed + 1));
  const killer = new ChainKiller(broker, stages, victim, random);
  let [brokerKills, stageKills] = [0, 0];
  for (let number = 1; number <= kills; number++) {
    const kill = await Promise.race([killer.kill(), stages.failed()]);
    brokerKills += kill.brokers;
    stageKills += kill.stages;
    onKill?.({ ...kill, number, jobs: feeder.sent });
  }
  await Promise.race([feeder.stop(), stages.failed()]);
  const rest = new Rest(cursor, stages);
  await rest.come();
  // Whoever was in hand at three kills died of them, which is no fault; nobody is killed any more.
  const killed = (await readLetters(cursor)).filter(diedOfKills);
  await redrive(cursor, killed);
  await rest.come();
  await stages.stop();
  const { confirmed, refused } = feeder;
  const [results, letters] = [await readResults(cursor), await readLetters(cursor)];
  const outcome: ChainOutcome = { confirmed, refused, results, letters };
  return {
    violations: [...rest.violations, ...checkChain(outcome)],
    counts: { brokerKills, stageKills, redriven: killed.length, ...countsOf(outcome) },
  };
}

async function create(cursor: Cursor): Promise<void> {
  for (const stream of STREAMS) await cursor.createStream(stream);
  for (const stage of STAGES) await cursor.createGroup(INPUTS[stage], GROUP, GROUP_OPTIONS);
}

/** Waits until nothing is left to do. */
class Rest {
  readonly violations: ChainViolation[] = [];
  readonly #cursor: Cursor;
  readonly #stages: Stages;

  constructor(cursor: Cursor, stages: Stages) {
    this.#cursor = cursor;
    this.#stages = stages;
  }

  async come(): Promise<void> {
    let before = '';
    let since = performance.now();
    for (;;) {
      const { left, progress } = await depths(this.#cursor);
      if (left === 0) return;
      if (progress !== before) since = performance.now();
      before = progress;
      if (performance.now() - since > STALL_MS) {
        this.violations.push({ rule: 'notDrained', text: await describe(this.#cursor) });
        return;
      }
      await Promise.race([sleep(LOOK_MS), this.#stages.failed()]);
    }
  }
}

/** What there is to see of streams that do not drain. */
async function describe(cursor: Cursor): Promise<string> {
  const lines = STAGES.map(async (stage) => {
    const pending = await cursor.pending(INPUTS[stage], { group: GROUP, limit: 5 });
    return JSON.stringify([await cursor.streamInfo(INPUTS[stage]), pending]);
  });
  return (await Promise.all(lines)).join('\n');
}

function countsOf({
  confirmed,
  results,
  letters,
}: ChainOutcome): Omit<ChainCounts, `${string}Kills` | 'redriven'> {
  const attempts = letters.flatMap((letter) => letter.attempts);
  const told = attempts.filter(({ cause }) => cause === 'nack').length;
  return {
    jobs: confirmed.size,
    results: results.length,
    poison: [...confirmed].filter((number) => poisonedAt(number) !== undefined).length,
    letters: letters.length,
    toldAttempts: told,
    killedAttempts: attempts.length - told,
  };
}
