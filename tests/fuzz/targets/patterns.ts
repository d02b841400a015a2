import { Pattern } from '@simplemq/broker';
import type { Random } from '../random.ts';
import type { Target } from '../target.ts';

/** What both engines of regular expressions read alike. */
const COMMON =
  /^(?:[a-z0-9_]|\\[.dwbB$]|[.^$|()]|\(\?:|\[\^?[a-z0-9_]+(?:-[a-z0-9])?\]|[*+?]\??|\{\d(?:,\d?)?\}\??)*$/;
/** JavaScript's tries all ways that there are, so that it gets little to try. */
const COMMON_LENGTH_MAX = 60;
const COMMON_NAME = /^[ -~]{0,12}$/;
const QUANTIFIERS_MAX = 5;
const QUANTIFIER = /[*+?{]/g;

const ATOMS = ['a', 'b', 'ab', '_', '.', '[ab]', '[^a]', '[a-c]', '\\d', '\\w', '\\.', '0', '\\$'];
const ANCHORS = ['^', '$', '\\b', '\\B'];
const QUANTIFIERS = ['*', '+', '?', '*?', '+?', '??', '{2}', '{1,3}', '{0,2}?', '{2,}'];
const NAMES = [
  '',
  'a',
  'b',
  'ab',
  'aab',
  'abab',
  'a_b',
  'orders.eu',
  '$dead.a',
  'aaaaaaaaaa!',
  'a b',
  '0',
  'abc0.a',
];
const SEEDS = [
  ...[
    '(a+)+$\naaaaaaaaaa!',
    '(a|a)*$\naaaa!',
    '(.*a){20}\naaaa',
    '^orders\\.(eu|us)$\norders.eu',
    '(?i)ORDERS\norders',
    '^\\p{Greek}+$\nαβγ',
  ],
  ...[
    '^\\$dead\\.\n$dead.a',
    '[[:alpha:]]+\nab',
    '\\Qa.b\\E\na.b',
    '(?P<x>a)(?<y>b)\nab',
    'x{1,1000}\nx',
    '(?s-m:a.b)\nab',
    '[^\\pL\\d]\n-',
    '\\x{10FFFF}|\\A\\z\na',
  ],
];
const TELLING = [
  ...[
    ...ATOMS,
    ...ANCHORS,
    ...QUANTIFIERS,
    '(',
    ')',
    '(?:',
    '(?i)',
    '(?P<n>',
    '(?<n>',
    '(?=',
    '(?!',
    '(?<=',
    '(?<!',
    '(?>',
    '|',
    '[',
    ']',
    '[^',
  ],
  ...[
    '\\1',
    '\\k<n>',
    '\\p{L}',
    '\\P{Greek}',
    '\\pN',
    '\\x{10FFFF}',
    '\\x41',
    '\\Q',
    '\\E',
    '\\C',
    '\\A',
    '\\z',
    '\\',
    '{1000}',
    '{1,1000000}',
    '{,3}',
    '}',
  ],
  ...['[[:word:]]', '[:alpha:]', '-', '\0', '\n', 'é', '中', '😀', 'ſ', 'K', '++', '**'],
];

/** Patterns of binds: a pattern, and on the next line the name of a stream. */
export const PATTERNS: Target = {
  name: 'patterns',
  seeds: SEEDS.map((text) => Buffer.from(text)),
  pieces: [...TELLING.map((text) => Buffer.from(text)), Buffer.of(0xed, 0xa0, 0x80), Buffer.of(0xff)],
  inputBytesMax: 1_500,
  inputMsMax: 1_000,
  run: (input) => {
    const text = input.toString();
    const end = text.lastIndexOf('\n');
    const source = end < 0 ? text : text.slice(0, end);
    const name = text.slice(end + 1).slice(0, 255);
    const pattern = compiled(source);
    if (typeof pattern === 'string') return pattern;
    const isFound = pattern.matches(name);
    const isWhole = pattern.matchesWhole(name);
    if (isWhole && !isFound) throw new Error('it matches the whole name and is not found in it');
    const compared = compareWithRegExp(source, name, isFound, isWhole);
    return `${isWhole ? 'is the whole name' : isFound ? 'is found' : 'is not found'}${compared ? ', as RegExp says' : ''}`;
  },
  generate: (random) => `${alternatives(random, 3)}\n${random.pick(NAMES)}`,
};

/** @returns the reason, when it is not valid */
function compiled(source: string): Pattern | string {
  try {
    return new Pattern(source);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code !== 'InvalidPattern') throw error;
    return message.replace(/^[\s\S]* is not valid(?: at position \d+)?: ([^:]*)[\s\S]*$/, '$1');
  }
}

/** @returns whether the two could be compared */
function compareWithRegExp(source: string, name: string, isFound: boolean, isWhole: boolean): boolean {
  const isCommon = source.length <= COMMON_LENGTH_MAX && COMMON.test(source) && COMMON_NAME.test(name);
  if (!isCommon || (source.match(QUANTIFIER)?.length ?? 0) > QUANTIFIERS_MAX) return false;
  // Streams of the broker's own match only a pattern that says so.
  const isHidden = name.startsWith('$') && !/^\^?\\\$/.test(source);
  const regex = regExp(source);
  if (regex === undefined) return false;
  const expected = [regex.test(name) && !isHidden, regExp(`^(?:${source})$`)!.test(name) && !isHidden];
  if (expected[0] === isFound && expected[1] === isWhole) return true;
  throw new Error(
    `${JSON.stringify(source)} on ${JSON.stringify(name)}: found ${isFound}, whole ${isWhole}; RegExp says ${expected}`,
  );
}

/** Undefined where JavaScript is stricter. */
function regExp(source: string): RegExp | undefined {
  try {
    return new RegExp(source, 'u');
  } catch {
    return undefined;
  }
}

function alternatives(random: Random, depth: number): string {
  const count = 1 + (random.below(3) === 0 ? 1 : 0);
  return Array.from({ length: count }, () => sequence(random, depth)).join('|');
}

function sequence(random: Random, depth: number): string {
  let text = '';
  for (let left = random.below(4); left >= 0; left--) {
    if (random.below(6) === 0) text += random.pick(ANCHORS);
    else if (depth > 0 && random.below(4) === 0)
      text += `(${random.pick(['', '?:'])}${alternatives(random, depth - 1)})${quantifier(random)}`;
    else text += random.pick(ATOMS) + quantifier(random);
  }
  return text;
}

function quantifier(random: Random): string {
  return random.below(3) === 0 ? random.pick(QUANTIFIERS) : '';
}
