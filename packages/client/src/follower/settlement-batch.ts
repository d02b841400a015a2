import { type SequenceRange, type SimpleMQError, StaleAck, type StreamRanges } from '@simplemq/protocol';
import type { Run } from './run.ts';

interface Watcher {
  readonly stream: string;
  readonly sequence: number;
  readonly attempt: number;
  readonly resolve: () => void;
  readonly reject: (error: SimpleMQError) => void;
}

interface OpenRange {
  readonly run: Run<unknown>;
  readonly first: number;
  last: number;
}

/** The settlements that one frame carries, folded into ranges as they come, and those who await some of them. */
export class SettlementBatch {
  /** How many messages it settles. */
  count = 0;
  readonly #ranges: OpenRange[] = [];
  #open: OpenRange | undefined;
  #watchers: Watcher[] | undefined;
  #stale: readonly StreamRanges[] | undefined;
  #error: SimpleMQError | undefined;

  add(run: Run<unknown>, sequence: number): void {
    this.count++;
    const open = this.#open;
    if (open !== undefined && open.run === run && open.last + 1 === sequence) {
      open.last = sequence;
      return;
    }
    this.#open = { run, first: sequence, last: sequence };
    this.#ranges.push(this.#open);
  }

  /** All of it, by stream, neighbours joined. */
  entries(): StreamRanges[] {
    const byStream = new Map<string, SequenceRange[]>();
    for (const { run, first, last } of this.#ranges) {
      rangesOf(byStream, run.stream).push({ first, last, attempt: run.attempt });
    }
    return joinedEntries(byStream);
  }

  /** Settles as the message does. */
  watch(stream: string, sequence: number, attempt: number): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#stale !== undefined) {
      const late = covers(this.#stale, stream, sequence, attempt);
      return late ? Promise.reject(staleError(stream, sequence, attempt)) : Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.#watchers ??= [];
      this.#watchers.push({ stream, sequence, attempt, resolve, reject });
    });
  }

  /** The frame was answered. @returns the ranges that came too late and that nobody awaits */
  answered(stale: readonly StreamRanges[]): readonly StreamRanges[] {
    this.#stale = stale;
    const watchers = this.#watchers;
    this.#watchers = undefined;
    if (watchers === undefined) return stale;
    for (const { stream, sequence, attempt, resolve, reject } of watchers) {
      if (stale.length > 0 && covers(stale, stream, sequence, attempt)) {
        reject(staleError(stream, sequence, attempt));
      } else {
        resolve();
      }
    }
    return stale.length === 0 ? stale : without(stale, watchers);
  }

  /** No answer came, or a refusal. @returns the ranges that nobody awaits */
  failed(error: SimpleMQError): readonly StreamRanges[] {
    this.#error = error;
    const watchers = this.#watchers ?? [];
    this.#watchers = undefined;
    for (const { reject } of watchers) reject(error);
    return without(this.entries(), watchers);
  }
}

export function covers(
  entries: readonly StreamRanges[],
  stream: string,
  sequence: number,
  attempt: number,
): boolean {
  return entries.some(
    (entry) =>
      entry.stream === stream &&
      entry.ranges.some(
        (range) => range.first <= sequence && sequence <= range.last && range.attempt === attempt,
      ),
  );
}

/** The same messages in as few ranges as will do. */
export function joinedByStream(entries: readonly StreamRanges[]): StreamRanges[] {
  const byStream = new Map<string, SequenceRange[]>();
  for (const { stream, ranges } of entries) {
    const all = rangesOf(byStream, stream);
    for (const range of ranges) all.push(range);
  }
  return joinedEntries(byStream);
}

/** `entries` in parts of at most `most` ranges each; of none one part, that is empty. */
export function inParts(entries: readonly StreamRanges[], most: number): StreamRanges[][] {
  const parts: StreamRanges[][] = [[]];
  let room = most;
  for (const { stream, ranges } of entries) {
    for (let start = 0; start < ranges.length; ) {
      if (room === 0) {
        parts.push([]);
        room = most;
      }
      const some = ranges.slice(start, start + room);
      parts.at(-1)!.push({ stream, ranges: some });
      start += some.length;
      room -= some.length;
    }
  }
  return parts;
}

function rangesOf(byStream: Map<string, SequenceRange[]>, stream: string): SequenceRange[] {
  let ranges = byStream.get(stream);
  if (ranges === undefined) {
    ranges = [];
    byStream.set(stream, ranges);
  }
  return ranges;
}

function joinedEntries(byStream: ReadonlyMap<string, SequenceRange[]>): StreamRanges[] {
  const entries: StreamRanges[] = [];
  for (const [stream, ranges] of byStream) entries.push({ stream, ranges: joined(ranges) });
  return entries;
}

function joined(ranges: SequenceRange[]): SequenceRange[] {
  if (ranges.length < 2) return ranges;
  ranges.sort((a, b) => a.attempt - b.attempt || a.first - b.first);
  const result: SequenceRange[] = [];
  for (const range of ranges) {
    const previous = result.at(-1);
    if (previous !== undefined && previous.attempt === range.attempt && previous.last + 1 >= range.first) {
      result[result.length - 1] = { ...previous, last: Math.max(previous.last, range.last) };
    } else {
      result.push(range);
    }
  }
  return result;
}

function staleError(stream: string, sequence: number, attempt: number): SimpleMQError {
  return new StaleAck(
    `the settlement of ${stream} ${sequence}, attempt ${attempt}, came too late: the message is acked, or leased to another; nothing changed`,
    { details: { stream, sequence, attempt } },
  );
}

/** `entries` with the watched messages cut out. */
function without(entries: readonly StreamRanges[], watchers: readonly Watcher[]): StreamRanges[] {
  const result: StreamRanges[] = [];
  for (const { stream, ranges } of entries) {
    const watched = watchers
      .filter((watcher) => watcher.stream === stream)
      .map(({ sequence }) => sequence)
      .sort((a, b) => a - b);
    const left = ranges.flatMap((range) => cut(range, watched));
    if (left.length > 0) result.push({ stream, ranges: left });
  }
  return result;
}

function cut(range: SequenceRange, sequences: readonly number[]): SequenceRange[] {
  const left: SequenceRange[] = [];
  let { first } = range;
  for (const sequence of sequences) {
    if (sequence < first || sequence > range.last) continue;
    if (sequence > first) left.push({ first, last: sequence - 1, attempt: range.attempt });
    first = sequence + 1;
  }
  if (first <= range.last) left.push({ first, last: range.last, attempt: range.attempt });
  return left;
}
