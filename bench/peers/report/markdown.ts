import { aligned, median } from '../../report.ts';
import type { PeerInfo, Report, ScenarioInfo } from '../results.ts';
import { bestOf, ourStanding, type Standing, standings } from './compare.ts';
import { shownMs, shownRate } from './shown.ts';

/** The report for people: what ran where, a summary, then a table for each scenario. */
export function markdown(report: Report, chart?: string): string {
  const picture = chart === undefined ? [] : [`![A chart of every figure below](${chart})`];
  const parts = [
    '# SimpleMQ beside its peers',
    `Written by \`${report.command}\`; see [how to run it, and what is not fair](../BENCHMARKS.md).`,
    setting(report),
    ...picture,
    '## In short',
    'How many times as fast SimpleMQ is as the best of the peers, and as the best of those whose confirm too comes ' +
      'after an fsync. Below 1 it is slower.',
    summary(report),
    '## Peers',
    peers(report),
    ...report.scenarios.flatMap((scenario) => section(report, scenario)),
  ];
  return `${parts.join('\n\n')}\n`;
}

function setting({ date, machine, rounds, messages, seconds, streams, disk }: Report): string {
  const of = (pick: (figures: (typeof disk)[number]) => number) => median(disk.map(pick));
  const scale =
    `Medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}; ${messages.toLocaleString('en')} messages of 128 B ` +
    `(other scenarios take a share), ${seconds} s at each rate, ${streams.toLocaleString('en')} streams.`;
  const raw =
    `The disk alone: ${shownRate(of((d) => d.syncedMiBPerSecond))} MiB/s in blocks of 1 MiB with an fdatasync each, ` +
    `${shownRate(of((d) => d.batchedMiBPerSecond))} MiB/s with one for each 64; a write of 4 KiB and its fdatasync ` +
    `take ${shownMs(of((d) => d.syncP50Ms))} ms (p99 ${shownMs(of((d) => d.syncP99Ms))} ms).`;
  return `${date}, ${machine}.\n${scale}\n${raw}`;
}

function summary(report: Report): string {
  const rows = report.scenarios.map((scenario) => {
    const all = standings(report, scenario);
    const ours = ourStanding(all);
    const synced = all.filter(({ peer }) => peer.durability === 'synced');
    return [
      scenario.title,
      ours === undefined ? '-' : value(scenario, ours.median),
      ...against(scenario, bestOf(scenario, all)),
      ...against(scenario, bestOf(scenario, synced)),
    ];
  });
  const head = [
    'scenario',
    'SimpleMQ',
    'best peer',
    'its figure',
    'ratio',
    'best that syncs first',
    'its figure',
    'ratio',
  ];
  return aligned([head, ...rows]);
}

function against(scenario: ScenarioInfo, other: Standing | undefined): string[] {
  if (other === undefined) return ['-', '-', '-'];
  return [other.peer.name, value(scenario, other.median), times(other.simplemqRatio)];
}

function peers({ peers: measured, missing }: Report): string {
  const table = aligned([
    ['peer', 'version', 'a confirm comes'],
    ...measured.map(({ name, version, confirm }) => [name, version, confirm]),
  ]);
  const absent = missing.map(({ peer, why }) => `- not measured: ${peer}: ${why}`);
  return absent.length === 0 ? table : `${table}\n\n${absent.join('\n')}`;
}

function section(report: Report, scenario: ScenarioInfo): string[] {
  const all = standings(report, scenario);
  const isLatency = scenario.unit === 'ms';
  const head = [
    'peer',
    isLatency ? 'median' : scenario.unit,
    'spread',
    ...(isLatency ? ['p99', 'p99.9'] : []),
  ];
  const rows = all.map((standing) => row(scenario, standing));
  const table = aligned([[...head, 'to the best peer', 'SimpleMQ to it', 'a confirm comes'], ...rows]);
  const notes = report.peers.flatMap((peer) => notesOn(report, scenario, peer));
  return [
    `## ${scenario.title}`,
    scenario.about,
    table,
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${note}`).join('\n')]),
  ];
}

function row(
  scenario: ScenarioInfo,
  { peer, result, median: middle, simplemqRatio, ratioToBest }: Standing,
): string[] {
  const { values, p99, p999 } = result;
  const of = (figures: readonly number[]) => (figures.length === 0 ? '-' : `${shownMs(median(figures))} ms`);
  return [
    peer.name,
    value(scenario, middle),
    `${figure(scenario, Math.min(...values))} – ${figure(scenario, Math.max(...values))}`,
    ...(scenario.unit === 'ms' ? [of(p99), of(p999)] : []),
    times(ratioToBest),
    times(simplemqRatio),
    peer.confirm,
  ];
}

function notesOn(report: Report, scenario: ScenarioInfo, peer: PeerInfo): string[] {
  const lack = peer.lacks[scenario.id];
  if (lack !== undefined) return [`${peer.name} is left out: ${lack}`];
  const result = report.results.find((r) => r.scenario === scenario.id && r.peer === peer.id);
  const note = peer.notes[scenario.id];
  const missing = Math.max(0, ...(result?.missing ?? []));
  return [
    ...(note === undefined ? [] : [`${peer.name}: ${note}`]),
    ...(missing === 0
      ? []
      : [
          `${peer.name} did not keep up: ${missing.toLocaleString('en')} messages had not come at the end; they count as that late`,
        ]),
    ...(result?.failures ?? []).map((failure) => `${peer.name} failed: ${failure}`),
  ];
}

function value(scenario: ScenarioInfo, amount: number): string {
  return scenario.unit === 'ms' ? `${shownMs(amount)} ms` : `${shownRate(amount)} /s`;
}

function figure({ unit }: ScenarioInfo, amount: number): string {
  return unit === 'ms' ? shownMs(amount) : shownRate(amount);
}

function times(ratio: number | undefined): string {
  if (ratio === undefined) return '-';
  return `${ratio >= 100 ? Math.round(ratio) : ratio.toFixed(ratio >= 10 ? 1 : 2)} x`;
}
