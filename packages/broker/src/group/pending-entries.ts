import type { EntryState, Span } from './entry.ts';

/** Sequence numbers of one window: the grain in which entries are kept in memory and their acks on disk. */
export const WINDOW_SEQUENCES = 1024;

export function windowOf(sequence: number): number {
  return Math.floor(sequence / WINDOW_SEQUENCES);
}

export interface PendingSpan extends Span {
  readonly state: EntryState;
}

interface MutableSpan {
  first: number;
  last: number;
  state: EntryState;
}

export interface ChangeRule {
  isRight(state: EntryState): boolean;
  /** The state that the entries get; undefined takes them out. */
  readonly to: EntryState | undefined;
  /** Told of each piece that changed: the state it was in, and its messages. */
  onChange?(state: EntryState, messages: number): void;
}

export interface Change {
  /** What was in the asked-for state and was changed. */
  readonly changed: readonly Span[];
  /** The rest of what was asked for. */
  readonly missed: readonly Span[];
}

/**
 * The pending entry list of a group: which messages were delivered and not yet acked, and what each is in, as ranges.
 * Ranges are kept by windows of sequence numbers, so that a change costs by the ranges of the windows that it
 * touches, however many entries there are.
 *
 * Invariant: the spans of a window are disjoint, in order, and within it; no window is empty; `size` counts messages.
 */
export class PendingEntries {
  readonly #windows = new Map<number, MutableSpan[]>();
  #size = 0;
  // No window below this one has entries.
  #lowest = 0;
  // Nor has any sequence number past this one, whatever a client asks about.
  #last = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds entries past all that were ever added. */
  append(first: number, last: number, state: EntryState): void {
    if (this.#windows.size === 0) this.#lowest = windowOf(first);
    for (let start = first; start <= last; ) {
      const window = windowOf(start);
      const end = Math.min(last, (window + 1) * WINDOW_SEQUENCES - 1);
      const spans = this.#windows.get(window);
      if (spans === undefined) this.#windows.set(window, [{ first: start, last: end, state }]);
      else spans.push({ first: start, last: end, state });
      start = end + 1;
    }
    this.#size += last - first + 1;
    this.#last = last;
  }

  /** Puts entries back that were taken out. */
  insert(first: number, last: number, state: EntryState): void {
    if (this.#windows.size === 0) this.#lowest = windowOf(first);
    this.#lowest = Math.min(this.#lowest, windowOf(first));
    for (let start = first; start <= last; ) {
      const window = windowOf(start);
      const end = Math.min(last, (window + 1) * WINDOW_SEQUENCES - 1);
      const spans = this.#windows.get(window) ?? [];
      spans.splice(indexFrom(spans, start), 0, { first: start, last: end, state });
      this.#windows.set(window, spans);
      start = end + 1;
    }
    this.#size += last - first + 1;
    this.#last = Math.max(this.#last, last);
  }

  /** The lowest sequence number that is pending. */
  lowest(): number | undefined {
    if (this.#windows.size === 0) return undefined;
    let spans = this.#windows.get(this.#lowest);
    while (spans === undefined) spans = this.#windows.get(++this.#lowest);
    return spans[0]!.first;
  }

  /**
   * Puts every entry of `first` to `last` whose state is the right one into the state `to`, or takes it out of the
   * list when `to` is undefined.
   */
  change(first: number, last: number, rule: ChangeRule): Change {
    const outcome = { changed: [] as MutableRun[], missed: [] as MutableRun[] };
    const lowest = this.lowest();
    let at = lowest === undefined ? last + 1 : Math.max(first, lowest);
    extendRun(outcome.missed, first, Math.min(last, at - 1));
    const until = Math.min(last, this.#last);
    while (at <= until && this.#windows.size > 0) {
      const window = windowOf(at);
      const end = Math.min(until, (window + 1) * WINDOW_SEQUENCES - 1);
      const spans = this.#windows.get(window);
      if (spans === undefined) extendRun(outcome.missed, at, end);
      else this.#changeWindow(spans, { first: at, last: end }, rule, outcome);
      if (spans?.length === 0) this.#windows.delete(window);
      at = end + 1;
    }
    extendRun(outcome.missed, at, last);
    return outcome;
  }

  #changeWindow(spans: MutableSpan[], asked: Span, rule: ChangeRule, outcome: Outcome): void {
    let at = asked.first;
    let index = indexFrom(spans, at);
    while (at <= asked.last) {
      const span = spans[index];
      if (span === undefined || span.first > asked.last) {
        extendRun(outcome.missed, at, asked.last);
        return;
      }
      extendRun(outcome.missed, at, span.first - 1);
      at = Math.max(at, span.first);
      const end = Math.min(span.last, asked.last);
      const { state } = span;
      if (rule.isRight(state)) {
        index = this.#replace(spans, index, { first: at, last: end }, rule.to);
        rule.onChange?.(state, end - at + 1);
        extendRun(outcome.changed, at, end);
      } else {
        extendRun(outcome.missed, at, end);
        index++;
      }
      at = end + 1;
    }
  }

  /** Replaces `part`, which lies within the span at `index`; returns the index of what comes after. */
  #replace(spans: MutableSpan[], index: number, part: Span, to: EntryState | undefined): number {
    const span = spans[index]!;
    const { state } = span;
    if (to === undefined) this.#size -= part.last - part.first + 1;
    if (span.first === part.first && span.last === part.last) {
      if (to === undefined) spans.splice(index, 1);
      else span.state = to;
      return to === undefined ? index : index + 1;
    }
    const pieces: MutableSpan[] = [];
    if (span.first < part.first) pieces.push({ first: span.first, last: part.first - 1, state });
    if (to !== undefined) pieces.push({ first: part.first, last: part.last, state: to });
    const next = index + pieces.length;
    if (span.last > part.last) pieces.push({ first: part.last + 1, last: span.last, state });
    spans.splice(index, 1, ...pieces);
    return next;
  }

  /** What a message is in; undefined when it is not pending. */
  find(sequence: number): EntryState | undefined {
    const spans = this.#windows.get(windowOf(sequence));
    const span = spans?.[indexFrom(spans, sequence)];
    return span !== undefined && span.first <= sequence ? span.state : undefined;
  }

  /** The pending spans of one window, in order. */
  spansOf(window: number): readonly PendingSpan[] {
    return this.#windows.get(window) ?? [];
  }

  /** Where nothing is pending within `first` to `last`. */
  gapsWithin(first: number, last: number): Span[] {
    const lowest = this.lowest();
    if (lowest === undefined || lowest > last || this.#last < first)
      return first <= last ? [{ first, last }] : [];
    const gaps: Span[] = [];
    let at = first;
    for (const span of this.spansFrom(first)) {
      if (span.first > last) break;
      if (span.first > at) gaps.push({ first: at, last: span.first - 1 });
      at = span.last + 1;
    }
    if (at <= last) gaps.push({ first: at, last });
    return gaps;
  }

  /** The pending spans from `first` on, in order. */
  *spansFrom(first: number): Generator<PendingSpan> {
    if (this.#windows.size === 0) return;
    let seen = 0;
    const begin = Math.max(windowOf(first), windowOf(this.lowest()!));
    const highest = windowOf(this.#last);
    for (let window = begin; seen < this.#windows.size && window <= highest; window++) {
      const spans = this.#windows.get(window);
      if (spans === undefined) continue;
      seen++;
      for (let index = indexFrom(spans, first); index < spans.length; index++) {
        const span = spans[index]!;
        yield span.first >= first ? span : { ...span, first };
      }
    }
  }

  /**
   * The widest range around `first` to `last` in which nothing is pending, looking no further than `reach` sequence
   * numbers to either side.
   */
  gapAround(first: number, last: number, reach: number): Span {
    let low = Math.max(1, first - reach);
    for (let window = windowOf(first); window >= windowOf(low); window--) {
      const spans = this.#windows.get(window);
      const span = spans?.[indexFrom(spans, first) - 1];
      if (span === undefined) continue;
      low = Math.max(low, span.last + 1);
      break;
    }
    let high = last + reach;
    for (let window = windowOf(last); window <= windowOf(high); window++) {
      const spans = this.#windows.get(window);
      const span = spans?.[indexFrom(spans, last + 1)];
      if (span === undefined) continue;
      high = Math.min(high, span.first - 1);
      break;
    }
    return { first: low, last: high };
  }

  clear(): void {
    this.#windows.clear();
    this.#size = 0;
    this.#last = 0;
  }
}

type MutableRun = { first: number; last: number };
type Outcome = { changed: MutableRun[]; missed: MutableRun[] };

function extendRun(runs: MutableRun[], first: number, last: number): void {
  if (last < first) return;
  const run = runs[runs.length - 1];
  if (run !== undefined && run.last + 1 === first) run.last = last;
  else runs.push({ first, last });
}

/** The index of the first span that ends at or after `sequence`. */
function indexFrom(spans: readonly MutableSpan[], sequence: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (spans[middle]!.last < sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}
