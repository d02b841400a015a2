import { unlessInterrupted } from './interrupt.ts';
import { type RunningServer, startRedis, startSimpleMq } from './processes.ts';
import type { Measured } from './report.ts';
import type { Figures } from './role.ts';
import type { Scenario, Size, Subject } from './scenarios.ts';
import { TemporaryFolder } from './temporary-folder.ts';

/** One scenario, the subjects in turn, each round on a fresh server with an empty folder. */
export async function measure(
  scenario: Scenario,
  subjects: readonly Subject[],
  size: Size,
  rounds: number,
): Promise<Measured[]> {
  const figures = new Map<Subject, Figures[]>(subjects.map((subject) => [subject, []]));
  for (let round = 1; round <= rounds; round++) {
    // Every other round the other way round, so that none always has the machine as the other left it.
    for (const subject of round % 2 === 1 ? subjects : subjects.toReversed()) {
      process.stderr.write(`${scenario.id} ${round}/${rounds} ${subject.name} … `);
      const result = await once(scenario, subject, size);
      process.stderr.write(`${shown(scenario, result)}\n`);
      figures.get(subject)!.push(result);
    }
  }
  return subjects.map((subject) => ({
    subject: subject.name,
    scenario: scenario.id,
    values: figures.get(subject)!.map((result) => value(scenario, result)),
    p99: figures.get(subject)!.flatMap(({ p99Ms }) => (p99Ms === undefined ? [] : [p99Ms])),
  }));
}

async function once(scenario: Scenario, subject: Subject, size: Size): Promise<Figures> {
  await using folder = await TemporaryFolder.create('bench');
  const server = await start(subject, folder.path);
  try {
    return await scenario.run(subject, server, size, 'bench');
  } finally {
    await unlessInterrupted();
    await server.stop();
  }
}

function start({ folder: kind, bench }: Subject, folder: string): Promise<RunningServer> {
  return kind === 'redis' ? startRedis(folder) : startSimpleMq(folder, bench);
}

function value({ unit }: Scenario, { messages, seconds, p50Ms }: Figures): number {
  return unit === 'ms' ? p50Ms! : messages / seconds;
}

function shown(scenario: Scenario, result: Figures): string {
  const figure = value(scenario, result);
  return scenario.unit === 'ms' ? `${figure.toFixed(3)} ms` : `${Math.round(figure).toLocaleString('en')} /s`;
}
