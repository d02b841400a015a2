import { type DeadLetterFilter, InvalidOption } from '@simplemq/protocol';
import { ERROR_LENGTH_MAX } from '../limits.ts';
import type { Batch } from '../stream/batch.ts';
import { deadLetterOf } from './letter.ts';

/**
 * Whether a dead letter matches all of the filter, which is read once: a letter then costs no more than it is long.
 *
 * @throws InvalidOption
 */
export function matcherOf(filter: DeadLetterFilter): (letter: Batch) => boolean {
  const { group, since = 0, until = Number.POSITIVE_INFINITY } = filter;
  const error = filter.error ?? '';
  if (error.length > ERROR_LENGTH_MAX) {
    throw new InvalidOption(
      `the filter looks for an error of ${error.length} characters, of which dead letters keep ${ERROR_LENGTH_MAX}; ` +
        'look for a part of it',
      { details: { option: 'error', max: ERROR_LENGTH_MAX } },
    );
  }
  const wanted = error.toLowerCase();
  const sequences = filter.sequences && new Set(filter.sequences);
  const wantedHeaders = Object.entries(filter.headers ?? {});
  return (letter) => {
    if (sequences?.has(letter.first) === false) return false;
    const { dead, headers = {} } = deadLetterOf(letter);
    if (group !== undefined && group !== dead.group) return false;
    if (dead.diedAt < since || dead.diedAt > until) return false;
    if (wanted !== '' && !dead.error.toLowerCase().includes(wanted)) return false;
    return wantedHeaders.every(([name, value]) => headers[name] === value);
  };
}
