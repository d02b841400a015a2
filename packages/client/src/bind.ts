import {
  checkName,
  InvalidOption,
  InvalidPattern,
  PATTERN_LENGTH_MAX,
  type WireBind,
} from '@simplemq/protocol';

/** How a bind names its streams. */
export const BindType = {
  /** One stream, by its name. */
  Direct: 'direct',
  /** Every stream whose name matches, those created later too. */
  Regex: 'regex',
} as const;

export type BindType = (typeof BindType)[keyof typeof BindType];

/**
 * A route: one stream by its name, or every stream whose name a pattern matches.
 *
 * Patterns have RE2 syntax (linear time, no look-around, no back-references) and are found anywhere in a name unless
 * anchored, as with RegExp.test. The flags i, m and s of a RegExp are kept; g, u, v and d have no meaning here; y is
 * refused.
 *
 * @throws InvalidName, InvalidPattern
 */
export class Bind {
  readonly type: BindType;
  /** The stream's name, or the pattern as it goes to the broker. */
  readonly pattern: string;

  constructor(pattern: string | RegExp, type?: BindType) {
    if (pattern instanceof RegExp) {
      if (type === BindType.Direct) throw new InvalidOption('a bind to a RegExp cannot be direct');
      this.type = BindType.Regex;
      this.pattern = toRe2(pattern);
    } else {
      this.type = type ?? BindType.Direct;
      this.pattern = pattern;
    }
    if (this.type === BindType.Direct) checkName('stream', this.pattern);
    else checkPattern(this.pattern);
  }

  /** The bind as the protocol has it. */
  get wire(): WireBind {
    return this.type === BindType.Direct ? { stream: this.pattern } : { pattern: this.pattern };
  }

  toString(): string {
    return this.type === BindType.Direct ? this.pattern : `/${this.pattern}/`;
  }
}

function checkPattern(pattern: string): void {
  if (pattern.length <= PATTERN_LENGTH_MAX) return;
  throw new InvalidPattern(`a pattern has ${pattern.length} characters; the limit is ${PATTERN_LENGTH_MAX}`, {
    details: { limit: 'PATTERN_LENGTH_MAX' },
  });
}

const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]+)\}|.)/gs;

/** RE2 writes flags in front and \x{…} for \u…; all else that both have is written alike. */
function toRe2(expression: RegExp): string {
  if (expression.sticky) {
    throw new InvalidPattern(
      `the pattern ${String(expression)} has the flag y, which has no meaning for a name`,
    );
  }
  const source = expression.source.replace(ESCAPE, (all, four?: string, braced?: string) => {
    const code = four ?? braced;
    return code === undefined ? all : `\\x{${code}}`;
  });
  const flags = `${expression.ignoreCase ? 'i' : ''}${expression.multiline ? 'm' : ''}${expression.dotAll ? 's' : ''}`;
  return flags === '' ? source : `(?${flags})${source}`;
}
