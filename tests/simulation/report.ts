import type { BatchVerdict, Failure } from './batch.ts';
import { minimise } from './minimise.ts';
import type { Command } from './plan.ts';
import { RULES } from './rules.ts';

/** A failure as a short case: what was broken, by which commands, and how to see it again. */
export async function describeFailure({ seed, violation }: Failure): Promise<string> {
  const { kept, plan, verdict } = await minimise(seed, violation.rule);
  const { rule, text, atMs } = verdict.violation ?? violation;
  return [
    `seed ${seed}: ${RULES[rule]} (${rule})`,
    `  ${text}, after ${Math.round(atMs)} ms`,
    `  npm run test:simulation -- --seed ${seed} --commands ${kept.length === 0 ? 'none' : kept.join(',')}`,
    ...plan.commands.map((command) => `    ${told(command)}`),
  ].join('\n');
}

function told({ at, kind, ...rest }: Command): string {
  return `${at.toFixed(2).padStart(8)} ms  ${kind} ${JSON.stringify(rest)}`;
}

/** How often what happened, as a table. */
export function describeCounts({ counts, runs }: BatchVerdict): string {
  const rows = [...counts].sort(([, a], [, b]) => b.times - a.times);
  const widest = Math.max(...rows.map(([what]) => what.length));
  const lines = rows.map(
    ([what, total]) =>
      `${what.padEnd(widest)}  ${String(total.times).padStart(10)}  in ${String(total.runs).padStart(7)}`,
  );
  return [
    `${'what'.padEnd(widest)}  ${'times'.padStart(10)}  of ${String(runs).padStart(7)} runs`,
    ...lines,
  ].join('\n');
}
