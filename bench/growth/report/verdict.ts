import type { Measure } from '../curves/curve.ts';
import type { MeasuredCurve } from '../results.ts';

/** Less than this is what a shared machine does from one minute to the next. */
const FLAT_FACTOR = 1.2;

export type Trend = 'flat' | 'grows' | 'falls';

export interface Verdict {
  readonly trend: Trend;
  /** By what the last decade of the curve multiplies the value. */
  readonly factor: number;
}

export interface Place {
  readonly at: number;
  readonly value: number;
}

/** The points where something was measured. */
export function placesOf({ points }: MeasuredCurve, id: string): Place[] {
  return points.flatMap(({ at, values }) => {
    const value = values[id];
    return value === undefined ? [] : [{ at, value }];
  });
}

/**
 * The last point beside the one a decade before it, or where there is none beside the last one further away; its growth
 * is then that of a decade.
 *
 * @returns undefined where no point is so far away, and of what is proportional to the axis
 */
export function verdictOn(measure: Measure, places: readonly Place[]): Verdict | undefined {
  const last = places.at(-1);
  const before = places.findLast(({ at }) => last !== undefined && at * 10 <= last.at);
  if (measure.isProportional || last === undefined || before === undefined) return undefined;
  const decades = Math.log10(last.at / before.at);
  const factor = (last.value / before.value) ** (1 / decades);
  return { trend: trendOf(factor), factor };
}

export function shownVerdict({ trend, factor }: Verdict): string {
  return trend === 'flat' ? 'flat' : `${trend} x${factor.toFixed(factor < 1 ? 2 : 1)} a decade`;
}

function trendOf(factor: number): Trend {
  if (factor > FLAT_FACTOR) return 'grows';
  return factor < 1 / FLAT_FACTOR ? 'falls' : 'flat';
}
