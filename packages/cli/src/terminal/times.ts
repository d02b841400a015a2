import { duration } from './amounts.ts';

/** A time by its distance from now: '3.4 s ago', 'in 2 h 5 min'. */
export function relative(time: Date, now: number = Date.now()): string {
  const ms = time.getTime() - now;
  return ms > 0 ? `in ${duration(ms)}` : `${duration(-ms)} ago`;
}

/** A time with its distance from now: '2026-05-01T08:30:00.000Z (3 d 4 h ago)'. */
export function instant(time: Date): string {
  return `${time.toISOString()} (${relative(time)})`;
}
