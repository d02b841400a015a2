import type { OpenEngine } from './broker-process.ts';
import type { Violation } from './rules.ts';
import { simulate } from './simulation.ts';

export interface Failure {
  readonly seed: number;
  readonly violation: Violation;
}

export interface BatchVerdict {
  readonly runs: number;
  readonly failures: readonly Failure[];
  /** What happened, over all runs, and in how many of them. */
  readonly counts: ReadonlyMap<string, { readonly times: number; readonly runs: number }>;
  readonly events: number;
  readonly simulatedMs: number;
}

export interface BatchOptions {
  readonly from: number;
  readonly seeds: number;
  readonly open?: OpenEngine;
  /** How many that fail are enough. */
  readonly failuresMax?: number;
  readonly onRun?: (runs: number, failures: number) => void;
}

/** What must have happened in a batch of runs: faults, and what came of them. */
export const KINDS: readonly string[] = [
  'crashes',
  'crashes in a commit',
  'restarts',
  'cuts',
  'requests whose fate is unknown',
  'full disks',
  'commits refused',
  'slow disks',
  'commits failed',
  'clocks set',
  'full sinks',
  'leases run out',
  'batches sent again',
  'duplicate ids',
  'stale settlements',
  'acks',
  'nacks',
  'rejects',
  'releases',
  'extends',
  'transactions',
  'refused transactions',
  'dead letters',
  'redriven',
  'delayed',
  'expired',
  'scheduled',
  'scheduled times made up for',
  'schedules saved',
  'schedules paused',
  'schedules resumed',
  'schedules deleted',
  'refused',
  'purges',
  'resets',
  'recreates',
  'updateGroups',
  'memory streams lost',
  'deliveries from memory',
  'deleteGroups',
  'pending lists',
  'messages dropped',
  'pages read',
  'replays',
];

/** Runs one seed after the other. */
export async function runSeeds(options: BatchOptions): Promise<BatchVerdict> {
  const { from, seeds, open, failuresMax = 1, onRun = () => {} } = options;
  const counts = new Map<string, { times: number; runs: number }>();
  const failures: Failure[] = [];
  let runs = 0;
  let events = 0;
  let simulatedMs = 0;
  for (let seed = from; seed < from + seeds && failures.length < failuresMax; seed++) {
    const verdict = await simulate(seed, open && { open });
    runs++;
    events += verdict.events;
    simulatedMs += verdict.simulatedMs;
    if (verdict.violation !== undefined) failures.push({ seed, violation: verdict.violation });
    for (const [what, times] of verdict.counts) {
      const total = counts.get(what) ?? { times: 0, runs: 0 };
      counts.set(what, { times: total.times + times, runs: total.runs + 1 });
    }
    onRun(runs, failures.length);
  }
  return { runs, failures, counts, events, simulatedMs };
}
