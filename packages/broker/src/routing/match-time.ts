import { InvalidPattern } from '@simplemq/protocol';
import { monotonicMs } from '../clock.ts';
import { MATCH_MS_MAX, MATCH_NAME_US_MAX } from '../limits.ts';

/** The clock is looked at after so many names. */
const NAMES_PER_LOOK = 4;
/** What is counted at the most from one look to the next: the process may have been stopped in between. */
const LOOK_MS_MAX = 50;

/** What it takes to try patterns against names, for one request. */
export class MatchTime {
  #spentMs = 0;
  #lookedAt: number = monotonicMs();
  #tried = 0;

  /** As of the last look. */
  get spentMs(): number {
    return this.#spentMs;
  }

  /** What went before was something else. */
  begin(): void {
    this.#lookedAt = monotonicMs();
  }

  look(): void {
    const now = monotonicMs();
    this.#spentMs += Math.min(LOOK_MS_MAX, now - this.#lookedAt);
    this.#lookedAt = now;
  }

  /**
   * One more name was tried.
   *
   * @throws InvalidPattern when that has taken too long by now
   */
  count(source: string): void {
    if (++this.#tried % NAMES_PER_LOOK !== 0) return;
    this.look();
    if (this.#spentMs <= MATCH_MS_MAX + (this.#tried * MATCH_NAME_US_MAX) / 1_000) return;
    throw new InvalidPattern(
      `trying the pattern ${JSON.stringify(source.slice(0, 60))} against the names of streams takes too long: ` +
        `${Math.round(this.#spentMs)} ms for ${this.#tried} of them; the limit is ${MATCH_MS_MAX} ms, and ` +
        `${MATCH_NAME_US_MAX} µs for each name: use a simpler pattern, with fewer repeated and optional parts`,
      { details: { pattern: source } },
    );
  }
}
