import type { From, Place } from '@simplemq/client';
import { InvalidArgumentError } from 'commander';
import { parseTime, timeAgo } from './time.ts';

const FORMS = 'a sequence number, a time as 2026-05-01T08:30:00Z, or how long ago as 2h';

/** Reads where in a stream to begin reading. */
export function place(text: string): Place {
  const found = parsePlace(text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`It must be first, ${FORMS}.`);
}

/** Reads where in a stream a group begins: a place, or 'new'. */
export function startFrom(text: string): From {
  const found = text === 'new' ? text : parsePlace(text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`It must be first, new, ${FORMS}.`);
}

function parsePlace(text: string): Place | undefined {
  if (text === 'first') return text;
  if (/^\d+$/.test(text)) {
    const sequence = Number(text);
    return Number.isSafeInteger(sequence) ? { sequence } : undefined;
  }
  const time = parseTime(text) ?? timeAgo(text);
  return time && { time };
}

/** A place as people say it: 'its first message', 'sequence number 12'. */
export function placeText(from: From): string {
  if (from === 'first') return 'the first message';
  if (from === 'new') return 'what comes from now on';
  if ('sequence' in from) return `sequence number ${from.sequence}`;
  return `the first message since ${new Date(from.time).toISOString()}`;
}
