import { InvalidPattern, PATTERN_LENGTH_MAX } from '@simplemq/protocol';
import { RE2JS } from 're2js';

/** Steps of a compiled pattern: what trying it against one name costs grows with them. Usual ones have 4 to 20. */
const PATTERN_STEPS_MAX = 1_100;

/**
 * A regex bind's pattern, in RE2 syntax: linear time, no look-around and no back-references. It is found anywhere in
 * a stream's name unless anchored, as with RegExp.test. The broker's own streams, whose names begin with `$`, match
 * only a pattern that says so by beginning with `\$` or `^\$`.
 */
export class Pattern {
  readonly source: string;
  readonly #regex: RE2JS;
  readonly #matchesOwn: boolean;

  /** @throws InvalidPattern when it does not parse, or is longer than the limit */
  constructor(source: string) {
    if (source.length > PATTERN_LENGTH_MAX) {
      throw new InvalidPattern(
        `a pattern has ${source.length} characters; the limit is ${PATTERN_LENGTH_MAX} (PATTERN_LENGTH_MAX)`,
      );
    }
    this.source = source;
    this.#regex = compile(source);
    const size = this.#regex.programSize();
    if (size > PATTERN_STEPS_MAX) {
      throw new InvalidPattern(
        `the pattern ${JSON.stringify(source.slice(0, 60))} compiles to ${size} steps; the limit is ` +
          `${PATTERN_STEPS_MAX}: repeat less ({n,m}), or use several binds`,
        { details: { pattern: source } },
      );
    }
    this.#matchesOwn = /^\^?\\\$/.test(source);
  }

  matches(name: string): boolean {
    if (name.startsWith('$') && !this.#matchesOwn) return false;
    return this.#regex.matcher(name).find();
  }

  /** As `matches`, but the pattern has to match the name from its beginning to its end. */
  matchesWhole(name: string): boolean {
    if (name.startsWith('$') && !this.#matchesOwn) return false;
    return this.#regex.matcher(name).matches();
  }
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (cause) {
    const fragment = fragmentOf(cause);
    const position = fragment === undefined ? -1 : source.indexOf(fragment);
    const reason =
      cause instanceof Error ? cause.message.replace(/^error parsing regexp: /, '') : String(cause);
    throw new InvalidPattern(
      `the pattern ${JSON.stringify(source)} is not valid${position < 0 ? '' : ` at position ${position}`}: ` +
        `${reason}; patterns are RE2 syntax, without look-around and back-references`,
      { cause, details: { pattern: source, ...(position >= 0 && { position }) } },
    );
  }
}

/** The part of the pattern that the parser stumbled over. */
function fragmentOf(error: unknown): string | undefined {
  const { input } = error as { input?: unknown };
  return typeof input === 'string' && input !== '' ? input : undefined;
}
