import { unlessInterrupted } from '../interrupt.ts';
import { killRoles } from '../processes.ts';
import type { Figures } from '../role.ts';
import { TemporaryFolder } from '../temporary-folder.ts';
import { Bench, type Size } from './bench.ts';
import type { Peer } from './peer.ts';
import { shownFigures } from './report/shown.ts';
import type { Result } from './results.ts';
import type { Scenario } from './scenarios/scenario.ts';

export interface Plan {
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly size: Size;
  /** Where the folders of the servers are made. */
  readonly folder: string;
}

/** One scenario: all peers in turn, in each round, each on a fresh server with an empty folder. */
export async function measure(scenario: Scenario, { peers, rounds, size, folder }: Plan): Promise<Result[]> {
  const able = peers.filter(({ lacks }) => lacks?.[scenario.id] === undefined);
  const outcomes = new Map<Peer, (Figures | Error)[]>(able.map((peer) => [peer, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const peer of able) {
      process.stderr.write(`${scenario.id} ${round}/${rounds} ${peer.name} … `);
      const outcome = await once(scenario, peer, size, folder).catch((error: Error) => error);
      await unlessInterrupted();
      process.stderr.write(
        `${outcome instanceof Error ? outcome.message : shownFigures(scenario, outcome)}\n`,
      );
      outcomes.get(peer)!.push(outcome);
    }
  }
  return able.map((peer) => resultOf(scenario, peer, outcomes.get(peer)!));
}

async function once(scenario: Scenario, peer: Peer, size: Size, parent: string): Promise<Figures> {
  await using folder = await TemporaryFolder.create(peer.id, parent);
  const server = await peer.start(folder.path);
  try {
    return await scenario.run(new Bench(peer, server, size));
  } finally {
    killRoles();
    await server.stop();
  }
}

function resultOf(scenario: Scenario, peer: Peer, outcomes: readonly (Figures | Error)[]): Result {
  const figures = outcomes.filter((outcome): outcome is Figures => !(outcome instanceof Error));
  const failures = outcomes.filter((outcome): outcome is Error => outcome instanceof Error);
  const defined = (values: readonly (number | undefined)[]) => values.filter((value) => value !== undefined);
  return {
    scenario: scenario.id,
    peer: peer.id,
    values: figures.map((figure) => amountOf(scenario.unit, figure)),
    p99: defined(figures.map(({ p99Ms }) => p99Ms)),
    p999: defined(figures.map(({ p999Ms }) => p999Ms)),
    missing: defined(figures.map(({ missing }) => missing)),
    failures: failures.map(({ message }) => message),
  };
}

function amountOf(unit: string, { messages, seconds, p50Ms }: Figures): number {
  return unit === 'ms' ? p50Ms! : messages / seconds;
}
