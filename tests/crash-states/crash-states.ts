import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { editedSource, OWN_SOURCE } from './broker/broker-source.ts';
import { DENSE, type Edit, type Mutant } from './broker/edits.ts';
import { type Explored, explore } from './explore/explore.ts';
import type { Counts } from './explore/explorer.ts';
import { runWorkload, type WorkloadSize } from './load/workload.ts';
import { record } from './record.ts';
import { checkHappened, type Happened, sweepsOfMany } from './trace/happened.ts';
import { Knowledge } from './trace/knowledge.ts';
import type { Operation } from './trace/operations.ts';

/** Brokers whose states are looked at. */
export interface Kind {
  readonly edits: readonly Edit[];
  readonly size: WorkloadSize;
}

export const KINDS = {
  /** With small segments: dozens of them come and go. */
  dense: { edits: DENSE, size: { rounds: 6, largeBytes: 40_000, largeInRound: 4 } },
  /** As it is, for a few MiB: all of it lies in the first segments of its runs. */
  short: { edits: [], size: { rounds: 3, largeBytes: 200_000, largeInRound: 1 } },
  /** As it is, for some segments of 32 MiB. */
  whole: { edits: [], size: { rounds: 16, largeBytes: 600_000, largeInRound: 4 } },
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;

export interface CrashStatesOptions {
  readonly kind: KindName;
  readonly states: number;
  readonly seed: number;
  readonly processes: number;
  /** A broker with a fault, in place of the one that is. */
  readonly mutant?: Mutant;
  /** Every how many moments the power is cut once more while a broker recovers. */
  readonly recoveryEvery: number;
  /** Where to keep states that broke a promise. */
  readonly keep?: string | undefined;
  readonly onProgress?: (counts: Counts) => void;
}

export interface CrashStatesVerdict extends Explored {
  readonly operations: number;
  readonly happened: Happened;
}

/** What is found of a broker after so many violations says nothing new; of one with a fault, after the first. */
const FOUND_MAX = 200;

/** Has a broker work, cuts the power at moments of that, and checks what brokers make of the states that this leaves. */
export async function crashStates(options: CrashStatesOptions): Promise<CrashStatesVerdict> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'simplemq-crash-states-')));
  try {
    const { edits, size } = KINDS[options.kind];
    const all = [...edits, ...(options.mutant?.edits ?? [])];
    const source = all.length === 0 ? OWN_SOURCE : editedSource(folder, all);
    const { library, log, operations } = await record({
      source,
      folder,
      workload: (broker) => runWorkload(broker, size, options.seed),
    });
    const happened = happenedIn(operations);
    checkHappened(happened, options.kind === 'dense');
    const { states, seed, processes, recoveryEvery, keep, onProgress, mutant } = options;
    const explored = await explore({
      source,
      library,
      log,
      states,
      seed,
      processes,
      recoveryEvery,
      foundMax: mutant === undefined ? FOUND_MAX : 1,
      keep,
      onProgress,
    });
    return { ...explored, operations: operations.length, happened };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function happenedIn(operations: readonly Operation[]): Happened {
  const knowledge = new Knowledge();
  for (const operation of operations) knowledge.apply(operation);
  return { ...knowledge.happened, sweeps: sweepsOfMany(operations) };
}
