import type { Scenario } from './scenarios.ts';

/** The figures of one subject in one scenario, a value for each round. */
export interface Measured {
  readonly subject: string;
  readonly scenario: string;
  /** Messages per second, or the median latency in milliseconds. */
  readonly values: readonly number[];
  /** 99th percentiles in milliseconds, for a latency. */
  readonly p99: readonly number[];
}

/** A table with a row for each scenario; with several subjects, how the first compares to the others. */
export function table(
  scenarios: readonly Scenario[],
  subjects: readonly string[],
  measured: readonly Measured[],
): string {
  const [first, ...others] = subjects;
  const ratios = others.map((other) => `${first} : ${other}`);
  const head = ['scenario', ...subjects, ...ratios];
  const rows = scenarios.map((scenario) => {
    const of = (subject: string) => measured.find((m) => m.scenario === scenario.id && m.subject === subject);
    const cells = subjects.map((subject) => cell(scenario, of(subject)));
    return [scenario.title, ...cells, ...others.map((other) => ratio(of(first!), of(other)))];
  });
  return aligned([head, ...rows]);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function cell({ unit }: Scenario, measured: Measured | undefined): string {
  if (measured === undefined) return '-';
  if (unit === 'ms')
    return `p50 ${median(measured.values).toFixed(3)} ms, p99 ${median(measured.p99).toFixed(3)} ms`;
  return `${Math.round(median(measured.values)).toLocaleString('en')} /s`;
}

/** The median over the rounds of what was measured side by side in each. */
function ratio(a: Measured | undefined, b: Measured | undefined): string {
  if (a === undefined || b === undefined) return '-';
  return `${median(a.values.map((value, round) => value / b.values[round]!)).toFixed(2)} x`;
}

/** Rows of a table, the first of them its head; all columns but the first are figures. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => {
    const cells = row.map((text, column) =>
      column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!),
    );
    return `| ${cells.join(' | ')} |`;
  });
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`,
  );
  return [lines[0], `|${rule.join('|')}|`, ...lines.slice(1)].join('\n');
}
