import type { ScheduleSummary } from '@simplemq/client';
import { instant } from '../../terminal/times.ts';

/** When a schedule publishes next, or why it does not. */
export function nextText({ paused, nextAt }: ScheduleSummary): string {
  if (paused) return 'paused';
  return nextAt === undefined ? 'never again' : instant(nextAt);
}
