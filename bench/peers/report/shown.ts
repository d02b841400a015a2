import type { Figures } from '../../role.ts';
import type { ScenarioInfo } from '../results.ts';

export function shownRate(rate: number): string {
  return rate < 100 ? rate.toFixed(1) : Math.round(rate).toLocaleString('en');
}

export function shownMs(ms: number): string {
  if (ms >= 100) return Math.round(ms).toLocaleString('en');
  return ms >= 10 ? ms.toFixed(1) : ms.toFixed(2);
}

/** One round's figures, for who watches. */
export function shownFigures({ unit }: ScenarioInfo, figures: Figures): string {
  const { messages, seconds, p50Ms, p99Ms, p999Ms, missing } = figures;
  if (unit !== 'ms') return `${shownRate(messages / seconds)} ${unit}`;
  const last = p999Ms === undefined ? '' : `, p99.9 ${shownMs(p999Ms)} ms`;
  const late = missing ? `, ${missing.toLocaleString('en')} had not come` : '';
  return `p50 ${shownMs(p50Ms!)} ms, p99 ${shownMs(p99Ms!)} ms${last}${late}`;
}
