import { EmbeddedEngine } from '../../packages/broker/src/engine/embedded-engine.ts';
import type { OpenEngine } from './broker-process.ts';
import { carryOut } from './carry-out.ts';
import { drain } from './drain.ts';
import { type Plan, planOf } from './plan.ts';
import type { Violation } from './rules.ts';
import { checkNothingLost, checkTransactions } from './state-checks.ts';
import { World } from './world.ts';

/** A run is over by then, or never, in ms. */
const STUCK_MS = 600_000;
/** A run in which fewer messages were confirmed or refused shows nothing. */
const ANSWERED_MIN = 10;

export interface Verdict {
  readonly violation: Violation | undefined;
  /** What happened how often. */
  readonly counts: ReadonlyMap<string, number>;
  readonly events: number;
  readonly simulatedMs: number;
}

export interface SimulationOptions {
  /** The engine that is looked at; the broker's own unless given. */
  readonly open?: OpenEngine;
  /** In place of the plan of the seed: only some of its commands. */
  readonly plan?: Plan;
  /** Hears of all that happens to a message, after so many ms. */
  readonly onTrail?: (stream: string, sequence: number, what: string, atMs: number) => void;
}

const openEngine: OpenEngine = (options) => EmbeddedEngine.open(options);

/** One run: the same for the same seed, in all that happens. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<Verdict> {
  const world = new World(options.plan ?? planOf(seed), options.open ?? openEngine);
  const { time, book } = world;
  const { onTrail } = options;
  if (onTrail !== undefined) book.onTrail = (...about) => onTrail(...about, time.now);
  let isOver = false;
  const threw = (error: unknown): void =>
    book.violate('threw', error instanceof Error ? (error.stack ?? error.message) : String(error));
  const uninstall = time.install();
  process.on('unhandledRejection', threw);
  try {
    play(world).then(() => {
      isOver = true;
    }, threw);
    await time.run(() => isOver || book.violation !== undefined || time.now > STUCK_MS);
    if (!isOver) book.violate('notDrained', 'an answer never came');
  } catch (error) {
    threw(error);
  } finally {
    uninstall();
    process.off('unhandledRejection', threw);
  }
  return { violation: book.violation, counts: book.counts, events: time.events, simulatedMs: time.now };
}

async function play(world: World): Promise<void> {
  const { book, time, plan } = world;
  await world.begin();
  const begun = time.now;
  for (const command of plan.commands) {
    await time.sleep(begun + command.at - time.now);
    carryOut(world, command);
  }
  await drain(world);
  checkNothingLost(book);
  checkTransactions(book);
  book.memory.check();
  const { confirmed = 0, refused = 0 } = Object.fromEntries(book.counts);
  if (confirmed + refused < ANSWERED_MIN || book.life < 2)
    book.violate(
      'vacuous',
      `${confirmed + refused} messages were answered for, in ${book.life} lives of the broker`,
    );
}
