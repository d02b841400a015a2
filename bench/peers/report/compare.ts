import { median } from '../../report.ts';
import type { PeerInfo, Report, Result, ScenarioInfo } from '../results.ts';

/** A peer's figures in one scenario, beside the others'. */
export interface Standing {
  readonly peer: PeerInfo;
  readonly result: Result;
  readonly median: number;
  /** How many times as fast SimpleMQ is; as slow where it is below 1. Undefined for SimpleMQ, or without it. */
  readonly simplemqRatio: number | undefined;
  /** The same of this peer to the best of all but SimpleMQ. */
  readonly ratioToBest: number | undefined;
}

const OURS = 'simplemq';

/** The peers that came to an end in a scenario, in the order of the run. */
export function standings(report: Report, scenario: ScenarioInfo): Standing[] {
  const present = report.peers.flatMap((peer) => {
    const result = report.results.find((r) => r.scenario === scenario.id && r.peer === peer.id);
    return result === undefined || result.values.length === 0
      ? []
      : [{ peer, result, median: median(result.values) }];
  });
  const ours = present.find(({ peer }) => peer.id === OURS)?.median;
  const best = bestOf(scenario, present)?.median;
  return present.map((entry) => ({
    ...entry,
    simplemqRatio:
      ours === undefined || entry.peer.id === OURS ? undefined : timesAsFast(scenario, ours, entry.median),
    ratioToBest: best === undefined ? undefined : timesAsFast(scenario, entry.median, best),
  }));
}

/** The best of those that are not SimpleMQ. */
export function bestOf<S extends { readonly peer: PeerInfo; readonly median: number }>(
  scenario: ScenarioInfo,
  all: readonly S[],
): S | undefined {
  const others = all.filter(({ peer }) => peer.id !== OURS);
  return others.reduce<S | undefined>(
    (best, other) =>
      best === undefined || timesAsFast(scenario, other.median, best.median) > 1 ? other : best,
    undefined,
  );
}

export function ourStanding(all: readonly Standing[]): Standing | undefined {
  return all.find(({ peer }) => peer.id === OURS);
}

/** A rate is better when it is higher, a latency when it is lower. */
export function timesAsFast({ unit }: ScenarioInfo, one: number, other: number): number {
  return unit === 'ms' ? other / one : one / other;
}
