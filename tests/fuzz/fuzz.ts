import { bytesInUse } from '../../packages/protocol/test/memory.ts';
import { FuzzFailure } from './fuzz-failure.ts';
import { Random } from './random.ts';
import { Scratch } from './scratch.ts';
import { outcomeKey, type Target } from './target.ts';

export interface FuzzOptions {
  /** Read this many inputs. */
  readonly inputs: number;
  readonly seed: number;
  /** Stop before, after so many seconds. */
  readonly seconds?: number | undefined;
  /** Inputs that mutations start from, besides the target's own. */
  readonly kept?: readonly Buffer[];
  /** Called for each outcome that was not met before, with an input that led to it. */
  readonly onOutcome?: ((key: string, input: Buffer) => void) | undefined;
  /** Called before each input is read. */
  readonly begins?: ((input: Uint8Array) => void) | undefined;
  readonly onProgress?: ((report: FuzzProgress) => void) | undefined;
}

export interface FuzzProgress {
  readonly inputs: number;
  readonly seconds: number;
}

export interface FuzzReport extends FuzzProgress {
  /** Of processors, of all threads: what it would have taken on a machine with nothing else to do, or less. */
  readonly cpuSeconds: number;
  readonly atQuarter: Memory;
  readonly atEnd: Memory;
}

/** What this process takes once garbage is collected, in MB. */
export interface Memory {
  readonly residentMb: number;
  readonly inUseMb: number;
}

/** A leak of half a byte for each of 50 million inputs is past it. */
const IN_USE_GROWTH_MB_MAX = 16;
/** What V8 keeps for the garbage of the moment comes to some tens of MB, sooner or later. */
const RESIDENT_GROWTH_MB_MAX = 128;

/** Whether memory is at the end what it was after a quarter of the inputs. */
export function isFlat({ atQuarter, atEnd }: FuzzReport): boolean {
  return (
    atEnd.inUseMb - atQuarter.inUseMb <= IN_USE_GROWTH_MB_MAX &&
    atEnd.residentMb - atQuarter.residentMb <= RESIDENT_GROWTH_MB_MAX
  );
}

/** Of so many inputs one is made by the target itself, if it makes some; and one is repaired after it was changed. */
const GENERATED_EVERY = 3;
const REPAIRED_EVERY = 4;
/** Far more than are kept. */
const OUTCOMES_MAX = 1_000;
const MB = 1e6;
const LOOK_EVERY = 256;
const PROGRESS_MS = 1_000;
/** A machine that is busy with something else may take long now and then; not each time. */
const TRIES_MAX = 3;

/**
 * Has a target read changed inputs, one after the other.
 *
 * @throws FuzzFailure with the first input that was not read or refused as it should be, or took too long
 */
export function fuzz(target: Target, options: FuzzOptions): FuzzReport {
  const { inputs, seed, seconds = Infinity, kept = [], begins, onOutcome, onProgress } = options;
  const random = new Random(seed);
  const scratch = new Scratch(target.inputBytesMax);
  const seeds = [...target.seeds, ...kept];
  const seen = new Set<string>();
  const stackTraceLimit = Error.stackTraceLimit;
  // A refusal is an Error, and what is slow about one is its stack.
  Error.stackTraceLimit = 0;
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  let atQuarter: Memory | undefined;
  let shownAt = startedAt;
  let done = 0;
  let before = startedAt;
  try {
    while (done < inputs) {
      make(scratch, random, target, seeds);
      done++;
      begins?.(scratch.input);
      const outcome = attempt(target, scratch.input, seed, done);
      const now = performance.now();
      if (now - before > target.inputMsMax) requireQuick(target, scratch.input, seed, done);
      before = now;
      if (onOutcome !== undefined) tell(outcome, scratch.input, seen, onOutcome);
      if (done % LOOK_EVERY !== 0) continue;
      if (now - startedAt > seconds * 1_000) break;
      // Of a run that ends by the clock it is a quarter of the time.
      const isQuarter = done >= inputs / 4 || now - startedAt > seconds * 250;
      if (atQuarter === undefined && isQuarter) atQuarter = memory();
      if (now - shownAt < PROGRESS_MS) continue;
      shownAt = now;
      onProgress?.({ inputs: done, seconds: (now - startedAt) / 1_000 });
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  const endMs = performance.now();
  const { user, system } = process.cpuUsage(cpuBefore);
  const atEnd = memory();
  return {
    inputs: done,
    seconds: (endMs - startedAt) / 1_000,
    cpuSeconds: (user + system) / 1e6,
    atQuarter: atQuarter ?? atEnd,
    atEnd,
  };
}

function make(scratch: Scratch, random: Random, target: Target, seeds: readonly Buffer[]): void {
  if (target.generate !== undefined && random.below(GENERATED_EVERY) === 0) {
    scratch.loadText(target.generate(random));
    if (random.below(2) === 0) return;
  } else scratch.load(random.pick(seeds));
  scratch.mutate(random, seeds, target.pieces);
  if (target.repair !== undefined && random.below(REPAIRED_EVERY) === 0) target.repair(scratch.input);
}

function attempt(target: Target, input: Buffer, seed: number, number: number): string {
  try {
    return target.run(input);
  } catch (cause) {
    throw new FuzzFailure(target.name, input, seed, number, cause);
  }
}

function requireQuick(target: Target, input: Buffer, seed: number, number: number): void {
  let leastMs = Infinity;
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const startedAt = performance.now();
    target.run(input);
    leastMs = Math.min(leastMs, performance.now() - startedAt);
  }
  if (leastMs <= target.inputMsMax) return;
  const cause = new Error(`it takes ${Math.round(leastMs)} ms; the most is ${target.inputMsMax}`);
  throw new FuzzFailure(target.name, input, seed, number, cause);
}

function tell(
  outcome: string,
  input: Buffer,
  seen: Set<string>,
  onOutcome: (key: string, input: Buffer) => void,
): void {
  const key = outcomeKey(outcome);
  if (seen.has(key) || seen.size === OUTCOMES_MAX) return;
  seen.add(key);
  onOutcome(key, Buffer.from(input));
}

function memory(): Memory {
  const inUseMb = bytesInUse() / MB;
  return { inUseMb, residentMb: process.memoryUsage.rss() / MB };
}
