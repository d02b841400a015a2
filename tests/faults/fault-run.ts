import { type Counts, checkHistory } from '../crash/history/check-history.ts';
import type { Violation } from '../crash/history/violation.ts';
import { ALL, SOLO, TO_ALL } from '../crash/load/streams.ts';
import { Random } from '../fuzz/random.ts';
import { DISK_FAULTS } from './disk-faults.ts';
import type { Fault } from './fault.ts';
import { NETWORK_FAULTS } from './network-faults.ts';
import { PROCESS_FAULTS } from './process-faults.ts';
import { World } from './world.ts';

export const FAULTS: readonly Fault[] = [...PROCESS_FAULTS, ...DISK_FAULTS, ...NETWORK_FAULTS];

/** Two faults, the second of which begins while the first is there. */
export type Pair = readonly [Fault, Fault];

export interface FaultRunOptions {
  readonly pairs: readonly Pair[];
  readonly seed: number;
  /** A fault lasts up to so long. */
  readonly faultMsMax: number;
  readonly onPair?: (report: PairReport) => void;
}

export interface PairReport {
  readonly pair: Pair;
  /** Whether each took effect. */
  readonly took: readonly boolean[];
  readonly ms: number;
}

export interface FaultVerdict {
  readonly violations: readonly Violation[];
  readonly counts: Counts;
  /** How often each fault took effect, by name. */
  readonly effects: ReadonlyMap<string, number>;
}

const FAULT_MS_MIN = 100;
/** Between two pairs the load goes on for so long, so that there is something to be lost. */
const CALM_MS = 300;
/** What a publisher is told by a disk that has no room or has failed: refused, or nobody knows. */
const TOLD_CODES: readonly string[] = ['StorageFull', 'StorageFailed'];

/** One broker and one load under pair after pair of faults; then all comes to rest, and is held against the promises. */
export async function faultRun(options: FaultRunOptions): Promise<FaultVerdict> {
  const random = new Random(options.seed);
  await using world = await World.create(random);
  const effects = new Map<string, number>();
  for (const pair of options.pairs) {
    const took = await suffer(world, pair, options);
    for (const [index, { name }] of pair.entries()) {
      effects.set(name, (effects.get(name) ?? 0) + Number(took[index]));
    }
  }
  const left = await world.drain();
  const { violations, counts } = checkHistory(await world.facts(), {
    streamsOf: (publisher) => (publisher.includes(TO_ALL) ? ALL : undefined),
    soloStreams: [SOLO],
  });
  const broken = violations.filter(({ rule, text }) => rule !== 'refused' || !isTold(text));
  return { violations: [...left, ...broken], counts, effects };
}

async function suffer(world: World, pair: Pair, { faultMsMax, onPair }: FaultRunOptions): Promise<boolean[]> {
  const startedAt = performance.now();
  const time = () => FAULT_MS_MIN + world.random.below(Math.max(1, faultMsMax - FAULT_MS_MIN));
  const [first, second] = pair;
  const firstMs = time();
  const later = async (): Promise<boolean> => {
    await world.pass(world.random.below(firstMs));
    return second.run(world, time());
  };
  const took = await Promise.all([first.run(world, firstMs), later()]);
  await world.recover();
  await world.pass(CALM_MS);
  onPair?.({ pair, took, ms: performance.now() - startedAt });
  return took;
}

function isTold(text: string): boolean {
  return TOLD_CODES.some((code) => text.endsWith(code));
}

/** Every fault with every other, each of them first once, in an order that the seed gives. */
export function allPairs(faults: readonly Fault[], seed: number): Pair[] {
  const pairs = faults.flatMap((first) => faults.map((second): Pair => [first, second]));
  const random = new Random(seed);
  for (let i = pairs.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [pairs[i], pairs[j]] = [pairs[j]!, pairs[i]!];
  }
  return pairs;
}
