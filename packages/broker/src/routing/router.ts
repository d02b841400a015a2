import { monotonicMs } from '../clock.ts';
import { MATCH_MS_MAX } from '../limits.ts';
import type { Stream } from '../stream/stream.ts';
import { MatchTime } from './match-time.ts';
import { Pattern } from './pattern.ts';

/** Patterns whose matches are remembered. */
const REMEMBERED_PATTERNS_MAX = 1_000;
/** Streams in what is remembered of all patterns; the last one that was asked for is remembered whatever it matches. */
const REMEMBERED_MATCHES_MAX = 1_000_000;
/** A pattern that takes longer for a name is not remembered: it would hold up each stream that is created. */
const REMEMBERED_NAME_MS_MAX = 0.25;

interface Remembered {
  readonly pattern: Pattern;
  readonly matches: Set<Stream>;
}

/**
 * Which streams a pattern matches. A pattern is compiled and tried against every stream once, unless that is slow.
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

  /**
   * The streams that the pattern matches, in the order in which they were created.
   *
   * @param time shared by all patterns of a request
   * @throws InvalidPattern also when it takes too long to try it
   */
  matches(source: string, time: MatchTime = new MatchTime()): ReadonlySet<Stream> {
    const known = this.#remembered.get(source);
    if (known !== undefined) {
      this.#remembered.delete(source);
      this.#remembered.set(source, known);
      return known.matches;
    }
    const pattern = new Pattern(source);
    const matches = new Set<Stream>();
    time.begin();
    const before = time.spentMs;
    for (const stream of this.#streams.values()) {
      if (pattern.matches(stream.name)) matches.add(stream);
      time.count(source);
    }
    time.look();
    const isSlow = time.spentMs - before > Math.max(1, this.#streams.size) * REMEMBERED_NAME_MS_MAX;
    if (!isSlow) this.#remember(source, { pattern, matches });
    return matches;
  }

  /** Those of `streams` that the pattern matches. Unlike with `matches`, no others are tried; it throws as that does. */
  among(source: string, streams: readonly Stream[]): Stream[] {
    const known = this.#remembered.get(source);
    if (known !== undefined) return streams.filter((stream) => known.matches.has(stream));
    const pattern = new Pattern(source);
    const time = new MatchTime();
    return streams.filter(({ name }) => {
      const isMatching = pattern.matches(name);
      time.count(source);
      return isMatching;
    });
  }

  added(stream: Stream): void {
    const began = monotonicMs();
    let triedAt = began;
    for (const [source, { pattern, matches }] of this.#remembered) {
      const isLate = triedAt - began > MATCH_MS_MAX;
      if (!isLate && pattern.matches(stream.name)) {
        matches.add(stream);
        this.#matches++;
      }
      const now = monotonicMs();
      // What was slow is not to hold up the next stream too, and what was not tried is not true.
      if (isLate || now - triedAt > REMEMBERED_NAME_MS_MAX) this.#forget(source, matches);
      triedAt = now;
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
      this.#forget(source, matches);
    }
  }

  #forget(source: string, matches: ReadonlySet<Stream>): void {
    this.#remembered.delete(source);
    this.#matches -= matches.size;
  }
}
