const BARS = ' ▁▂▃▄▅▆▇█';

/** The last `width` values as a row of bars, the highest of them filling its cell. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const most = Math.max(...shown, 1);
  return shown
    .map((value) => BARS[value <= 0 ? 0 : Math.max(1, Math.round((value / most) * (BARS.length - 1)))])
    .join('')
    .padEnd(width);
}
