import { shownMs, shownRate } from '../../peers/report/shown.ts';
import { aligned } from '../../report.ts';
import type { Measure } from '../curves/curve.ts';
import type { MeasuredCurve, Report } from '../results.ts';
import { shownAt, shownValue } from './shown.ts';
import { placesOf, shownVerdict, verdictOn } from './verdict.ts';

/** The report for people: where it ran, the verdicts, then a table for each curve. */
export function markdown(report: Report, chart?: string): string {
  const parts = [
    '# How the costs of SimpleMQ grow',
    `Written by \`${report.command}\`.`,
    setting(report),
    ...(chart === undefined ? [] : [`![The curves of all figures below](${chart})`]),
    '## In short',
    'What one more decade does to each cost: the last point beside the one a decade before. Less than a fifth up or ' +
      'down is flat. A cost that falls is one whose fixed part is shared by more.',
    summary(report),
    ...report.curves.flatMap(section),
  ];
  return `${parts.join('\n\n')}\n`;
}

function setting({ date, machine, rounds, limits, disk }: Report): string {
  const raised = Object.entries(limits).map(
    ([name, value]) => `limits.${name} ${value.toLocaleString('en')}`,
  );
  return [
    `${date}, ${machine}.`,
    `Medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, each point with a broker and a data folder of its own.`,
    `All settings of the broker are the defaults, but ${raised.join(' and ')}.`,
    `The disk alone: ${shownRate(disk.batchedMiBPerSecond)} MiB/s in blocks of 1 MiB with one fdatasync for each ` +
      `64; a write of 4 KiB and its fdatasync take ${shownMs(disk.syncP50Ms)} ms.`,
  ].join('\n');
}

function summary({ curves }: Report): string {
  const rows = curves.flatMap((curve) =>
    Object.entries(curve.measures).flatMap(([id, measure]) => {
      const places = placesOf(curve, id);
      const verdict = verdictOn(measure, places);
      if (verdict === undefined) return [];
      const { at, value } = places.at(-1)!;
      const cost = `${shownValue(value)} ${measure.unit}`;
      return [[curve.title, measure.title, shownAt(curve, at), cost, shownVerdict(verdict)]];
    }),
  );
  if (rows.length === 0) return 'No curve has points a decade apart.';
  return aligned([['with', 'what', 'last point', 'cost there', 'the last decade'], ...rows]);
}

function section(curve: MeasuredCurve): string[] {
  const { title, about, axis, measures, points } = curve;
  const head = [axis.name, ...points.map(({ at }) => shownAt(curve, at)), 'the last decade'];
  const rows = Object.entries(measures).flatMap(([id, measure]) => rowsOf(curve, id, measure));
  const failures = points.flatMap(({ at, failures }) =>
    failures.map((failure) => `- ${shownAt(curve, at)}: ${failure}`),
  );
  return [
    `## ${title}`,
    about,
    aligned([head, ...rows]),
    ...(failures.length === 0 ? [] : [failures.join('\n')]),
  ];
}

/** One of costs, and where they can be shown as rates one of those. */
function rowsOf(curve: MeasuredCurve, id: string, measure: Measure): string[][] {
  const { title, unit, rate } = measure;
  const cells = (shown: (value: number) => string) =>
    curve.points.map(({ values }) => (values[id] === undefined ? '-' : shown(values[id])));
  const verdict = verdictOn(measure, placesOf(curve, id));
  const costs = [`${title}, ${unit}`, ...cells(shownValue), verdict ? shownVerdict(verdict) : ''];
  if (rate === undefined) return [costs];
  return [costs, [`${title}, ${rate.unit}`, ...cells((value) => shownValue(rate.dividend / value)), '']];
}
