import { type Fields, isWholeNumber } from '../envelope/fields.ts';
import { ProtocolViolation } from '../errors.ts';

/** Sequence numbers `first` to `last`, both included, as they were delivered in attempt `attempt`. */
export interface SequenceRange {
  readonly first: number;
  readonly last: number;
  readonly attempt: number;
}

export interface StreamRanges {
  readonly stream: string;
  readonly ranges: readonly SequenceRange[];
}

/**
 * Many ranges travel as one flat array: for each stream its name, then an array of triples.
 *
 *   ["orders", [1, 500, 1,  502, 502, 2], "invoices", [7, 7, 1]]
 *                └ first, last, attempt
 */
export function flattenRanges(entries: readonly StreamRanges[]): unknown[] {
  return entries.flatMap(({ stream, ranges }) => [
    stream,
    ranges.flatMap(({ first, last, attempt }) => [first, last, attempt]),
  ]);
}

export function readRanges(what: string, fields: Fields, name = 'entries'): StreamRanges[] {
  return readFlatRanges(`${what}.${name}`, fields.array(name));
}

export function readFlatRanges(what: string, flat: readonly unknown[]): StreamRanges[] {
  if (flat.length % 2 !== 0) throw new ProtocolViolation(`${what} must hold pairs of stream and triples`);
  const entries: StreamRanges[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const stream = flat[i];
    if (typeof stream !== 'string') throw new ProtocolViolation(`${what} must name a stream at index ${i}`);
    entries.push({ stream, ranges: readTriples(what, flat[i + 1]) });
  }
  return entries;
}

function readTriples(what: string, value: unknown): SequenceRange[] {
  if (!Array.isArray(value) || value.length % 3 !== 0 || !value.every(isWholeNumber)) {
    throw new ProtocolViolation(`${what} must hold triples of first, last and attempt, all whole numbers`);
  }
  const ranges: SequenceRange[] = [];
  for (let i = 0; i < value.length; i += 3) {
    const range = { first: value[i]!, last: value[i + 1]!, attempt: value[i + 2]! };
    if (range.first < 1 || range.last < range.first || range.attempt < 1) {
      throw new ProtocolViolation(
        `${what} has a range from ${range.first} to ${range.last}, attempt ${range.attempt}`,
      );
    }
    ranges.push(range);
  }
  return ranges;
}
