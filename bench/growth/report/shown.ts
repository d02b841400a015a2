import type { Curve } from '../curves/curve.ts';

const KIB = 1_024;
const MIB: number = KIB * KIB;

/** A place on the axis of a curve: '8 KiB', '10,000'. */
export function shownAt({ axis }: Pick<Curve, 'axis'>, at: number): string {
  if (axis.unit === 'count') return at.toLocaleString('en');
  if (at >= MIB) return `${at / MIB} MiB`;
  return at >= KIB ? `${at / KIB} KiB` : `${at} B`;
}

/** The same, for a chart: '8K', '10k'. Bytes have the binary K and M. */
export function shortAt({ axis }: Pick<Curve, 'axis'>, at: number): string {
  const [thousand, k] = axis.unit === 'bytes' ? [KIB, 'K'] : [1_000, 'k'];
  if (at >= thousand ** 2) return `${at / thousand ** 2}M`;
  return at >= thousand ? `${at / thousand}${k}` : String(at);
}

/** At least three digits of it. */
export function shownValue(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  if (value >= 10) return value.toFixed(1);
  return value >= 1 ? value.toFixed(2) : value.toPrecision(3);
}
