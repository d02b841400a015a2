import type { Stream } from '../stream/stream.ts';
import { Pattern } from './pattern.ts';

/** Patterns whose matches are remembered. */
const REMEMBERED_PATTERNS_MAX = 1_000;
/** Streams in what is remembered of all patterns; the last one that was asked for is remembered whatever it matches. */
const REMEMBERED_MATCHES_MAX = 1_000_000;

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
  readonly #matchesMax: number;
  #matches = 0;

  constructor(streams: ReadonlyMap<string, Stream>, matchesMax: number = REMEMBERED_MATCHES_MAX) {
    this.#streams = streams;
    this.#matchesMax = matchesMax;
  }

  /** Streams in what is remembered. */
  get rememberedMatches(): number {
    return this.#matches;
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

  /** Those of `streams` that the pattern matches. Unlike with `matches`, no others are tried. */
  among(source: string, streams: readonly Stream[]): Stream[] {
    const known = this.#remembered.get(source);
    if (known !== undefined) return streams.filter((stream) => known.matches.has(stream));
    const pattern = new Pattern(source);
    return streams.filter(({ name }) => pattern.matches(name));
  }

  added(stream: Stream): void {
    for (const { pattern, matches } of this.#remembered.values()) {
      if (!pattern.matches(stream.name)) continue;
      matches.add(stream);
      this.#matches++;
    }
    this.#forgetOldest();
  }

  removed(stream: Stream): void {
    for (const { matches } of this.#remembered.values()) if (matches.delete(stream)) this.#matches--;
  }

  #remember(source: string, remembered: Remembered): void {
    this.#remembered.set(source, remembered);
    this.#matches += remembered.matches.size;
    this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const [source, { matches }] of this.#remembered) {
      const { size } = this.#remembered;
      const isTooMuch = size > REMEMBERED_PATTERNS_MAX || (size > 1 && this.#matches > this.#matchesMax);
      if (!isTooMuch) return;
      this.#remembered.delete(source);
      this.#matches -= matches.size;
    }
  }
}
