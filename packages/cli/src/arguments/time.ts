import { InvalidArgumentError } from 'commander';
import { parseTimeSpan } from './time-span.ts';

const TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/i;

/**
 * '2026-05-01T08:30:00Z', '2026-05-01 08:30' or '2026-05-01': where no zone is named, in the zone of this machine.
 * Undefined when it is none of the kind.
 */
export function parseTime(text: string): Date | undefined {
  const match = TIME.exec(text.trim());
  if (match === null) return undefined;
  const [, day = '', clock = '00:00', zone = ''] = match;
  const time = new Date(`${day}T${clock}${zone.toUpperCase()}`);
  return isDay(day) && !Number.isNaN(time.getTime()) ? time : undefined;
}

/** Reads an option's time. */
export function time(text: string): Date {
  const found = parseTime(text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError('It must be a time, as 2026-05-01T08:30:00Z or 2026-05-01.');
}

/** Reads an option's time in the past, which may also be told by how long ago it was: '2h'. */
export function pastTime(text: string): Date {
  const found = parseTime(text) ?? timeAgo(text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(
    'It must be a time, as 2026-05-01T08:30:00Z or 2026-05-01, or how long ago, as 10m or 2h.',
  );
}

/** A time by how long ago it was. A number without a unit is more likely a mistake, or a sequence number. */
export function timeAgo(text: string): Date | undefined {
  const ms = /[a-z]$/.test(text) ? parseTimeSpan(text) : undefined;
  return ms === undefined || ms > Date.now() ? undefined : new Date(Date.now() - ms);
}

/** Whether the calendar has it: Date makes the 2nd of March of the 30th of February. */
function isDay(day: string): boolean {
  const midnight = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}
