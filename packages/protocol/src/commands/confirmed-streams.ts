import { type Fields, isWholeNumber } from '../envelope/fields.ts';
import { present } from '../envelope/present.ts';
import { ProtocolViolation } from '../errors.ts';

/** Where the records of a batch are on one stream. */
export interface ConfirmedStream {
  readonly stream: string;
  /** The sequence number of the first record that is in neither list; those after it have the numbers that follow. */
  readonly first: number;
  /** Records whose message id was known: pairs of the record's index and the first message's number (0: delayed). */
  readonly duplicates?: readonly number[];
  /** Records that enter the stream later: pairs of the record's index and the id of the delayed message. */
  readonly delayed?: readonly number[];
}

/**
 * The two fields that tell of them, flat:
 *
 *   streams: ["orders", 1001, "audit", 77]
 *   marks?:  ["orders", [0, 998], [3, 41]]
 *                       │         └ index and id of delayed messages
 *                       └ index and number of duplicates
 *
 * `marks` names only the streams on which a record is a duplicate or delayed, and is not there when there is none.
 */
export function flattenConfirmed(streams: readonly ConfirmedStream[]): Record<string, unknown[]> {
  const flat: unknown[] = [];
  let marks: unknown[] | undefined;
  for (const { stream, first, duplicates, delayed } of streams) {
    flat.push(stream, first);
    if (duplicates === undefined && delayed === undefined) continue;
    marks ??= [];
    marks.push(stream, duplicates ?? [], delayed ?? []);
  }
  return marks === undefined ? { streams: flat } : { streams: flat, marks };
}

export function readConfirmed(what: string, fields: Fields): ConfirmedStream[] {
  const flat = fields.array('streams');
  const marks = readMarks(what, fields.optionalArray('marks'));
  const streams: ConfirmedStream[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const stream = flat[i];
    const first = flat[i + 1];
    if (typeof stream !== 'string' || !isWholeNumber(first)) {
      throw new ProtocolViolation(`${what}.streams must hold pairs of a name and a sequence number`);
    }
    streams.push({ stream, first, ...marks?.get(stream) });
  }
  return streams;
}

type Marks = Pick<ConfirmedStream, 'duplicates' | 'delayed'>;

function readMarks(what: string, flat: readonly unknown[] | undefined): Map<string, Marks> | undefined {
  if (flat === undefined) return undefined;
  const marks = new Map<string, Marks>();
  for (let i = 0; i < flat.length; i += 3) {
    const stream = flat[i];
    if (typeof stream !== 'string')
      throw new ProtocolViolation(`${what}.marks must name a stream at index ${i}`);
    const duplicates = readPairs(what, flat[i + 1]);
    const delayed = readPairs(what, flat[i + 2]);
    marks.set(stream, present<Marks>({ duplicates, delayed }));
  }
  return marks;
}

/** Undefined when there is no pair. */
function readPairs(what: string, value: unknown): readonly number[] | undefined {
  if (!Array.isArray(value) || value.length % 2 !== 0 || !value.every(isWholeNumber)) {
    throw new ProtocolViolation(`${what}.marks must hold pairs of whole numbers`);
  }
  return value.length === 0 ? undefined : value;
}
