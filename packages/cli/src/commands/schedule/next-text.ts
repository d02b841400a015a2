import type { ScheduleSummary } from '@simplemq/client';

/** When a schedule publishes next, as `shown` tells it, or why it does not. */
export function nextText({ paused, nextAt }: ScheduleSummary, shown: (time: Date) => string): string {
  if (paused) return 'paused';
  return nextAt === undefined ? 'never again' : shown(nextAt);
}
