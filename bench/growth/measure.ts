import { unlessInterrupted } from '../interrupt.ts';
import { median } from '../report.ts';
import type { Curve, Values } from './curves/curve.ts';
import { shownAt, shownValue } from './report/shown.ts';
import type { MeasuredCurve, Point } from './results.ts';

/** All points, in each round, so that what changes in the machine meanwhile does not bend the curve. */
export async function measure(curve: Curve, rounds: number, folder: string): Promise<MeasuredCurve> {
  const outcomes = new Map<number, (Values | Error)[]>(curve.points.map((at) => [at, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const at of curve.points) {
      process.stderr.write(`${curve.id} ${round}/${rounds} ${shownAt(curve, at)} … `);
      const outcome = await curve.measureAt(at, folder).catch((error: Error) => error);
      await unlessInterrupted();
      process.stderr.write(`${outcome instanceof Error ? outcome.message : inOneLine(curve, outcome)}\n`);
      outcomes.get(at)!.push(outcome);
    }
  }
  const { id, title, axis, about, measures } = curve;
  const points = curve.points.map((at) => pointOf(curve, at, outcomes.get(at)!));
  return { id, title, axis, about, measures, points };
}

function pointOf({ measures }: Curve, at: number, outcomes: readonly (Values | Error)[]): Point {
  const rounds = outcomes.filter((outcome): outcome is Values => !(outcome instanceof Error));
  const failures = outcomes.filter((outcome): outcome is Error => outcome instanceof Error);
  const values = Object.keys(measures).map((id) => {
    const known = rounds.map((round) => round[id]).filter((value) => value !== undefined);
    return [id, known.length === 0 ? undefined : median(known)];
  });
  return {
    at,
    values: Object.fromEntries(values),
    rounds,
    failures: failures.map(({ message }) => message),
  };
}

function inOneLine({ measures }: Curve, values: Values): string {
  return Object.entries(measures)
    .filter(([id]) => values[id] !== undefined)
    .map(([id, { unit }]) => `${id} ${shownValue(values[id]!)} ${unit}`)
    .join(', ');
}
