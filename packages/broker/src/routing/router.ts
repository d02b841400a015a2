import type { Stream } from '../stream/stream.ts';
import { Pattern } from './pattern.ts';

/** Patterns whose matches are remembered. */
const REMEMBERED_PATTERNS_MAX = 1_000;

interface Remembered {
  readonly pattern: Pattern;
  readonly matches: Set<Stream>;
}

/**
 * Which streams a pattern matches. A pattern is compiled and tried against every stream once.
 *
 * Invariant: what is remembered of a pattern is true: each stream that comes is tried, each that goes is taken out.
 */
export class Router {
  readonly #streams: ReadonlyMap<string, Stream>;
  // In order of use: the one that was not used for longest comes first.
  readonly #remembered = new Map<string, Remembered>();

  constructor(streams: ReadonlyMap<string, Stream>) {
    this.#streams = streams;
  }

  /** The streams that the pattern matches, in the order in which they were created. */
  matches(source: string): ReadonlySet<Stream> {
    const known = this.#remembered.get(source);
    if (known !== undefined) {
      this.#remembered.delete(source);
      this.#remembered.set(source, known);
      return known.matches;
    }
    const pattern = new Pattern(source);
    const matches = new Set<Stream>();
    for (const stream of this.#streams.values()) if (pattern.matches(stream.name)) matches.add(stream);
    this.#remember(source, { pattern, matches });
    return matches;
  }

  added(stream: Stream): void {
    for (const { pattern, matches } of this.#remembered.values()) {
      if (pattern.matches(stream.name)) matches.add(stream);
    }
  }

  removed(stream: Stream): void {
    for (const { matches } of this.#remembered.values()) matches.delete(stream);
  }

  #remember(source: string, remembered: Remembered): void {
    if (this.#remembered.size >= REMEMBERED_PATTERNS_MAX) {
      for (const oldest of this.#remembered.keys()) {
        this.#remembered.delete(oldest);
        break;
      }
    }
    this.#remembered.set(source, remembered);
  }
}
