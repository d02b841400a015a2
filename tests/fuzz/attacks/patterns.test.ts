import { openEngine, Pattern } from '@simplemq/broker';
import { PATTERN_LENGTH_MAX } from '@simplemq/protocol';
import { describe, expect, test } from 'vitest';
import { batchOf } from '../../../packages/broker/test/batches.ts';
import { RecordingFollower } from '../../../packages/broker/test/recording-follower.ts';
import { bytesInUse } from '../../../packages/protocol/test/memory.ts';

/** Known attacks on engines of regular expressions, as the pattern of a bind. */

/** What one pattern may take to compile, and to be tried against one name: measured, the worst of these takes a tenth. */
const COMPILE_MS_MAX = 1_000;
const MATCH_MS_MAX = 250;
const MEMORY_MB_MAX = 64;

const NAMES = [
  `${'a'.repeat(254)}!`,
  `${'ab'.repeat(127)}!`,
  'x'.repeat(255),
  'é中'.repeat(127),
  '😀'.repeat(127),
  Array.from({ length: 255 }, (_, i) => 'abc'[(i * i * 7 + i * 3) % 3]).join(''),
];

/** As long as a pattern may be, of nothing but this. */
function full(piece: string, around: readonly [string, string] = ['', '']): string {
  const [before, behind] = around;
  const room = PATTERN_LENGTH_MAX - before.length - behind.length;
  return before + piece.repeat(Math.floor(room / piece.length)) + behind;
}

const MATCHED: readonly (readonly [string, string])[] = [
  ['nested quantifiers', '(a+)+$'],
  ['nested quantifiers, three deep', '((a*)*)*$'],
  ['alternatives that overlap', '(a|a)*$'],
  ['alternatives of which one begins the other', '(a|aa)+$'],
  ['.* twenty times', '(.*a){20}'],
  ['.* twenty times, to the end', '(.*a){20}$'],
  ['quantifiers side by side', '(x+x+)+y'],
  [
    'an address of mail',
    '^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$',
  ],
  ['many states at once', '[ab]*a[ab]{200}'],
  ['many more states at once', '.*a.{500}b.{500}c'],
  ['optional letters, then the letters', full('a?', ['', 'a'.repeat(340)])],
  ['as many repeats as one may write', 'x{1000}'],
  ['a thousand optional spans', full('.*')],
  ['a thousand optional letters', full('a*')],
  ['a thousand dots', full('.')],
  ['a thousand alternatives', full('a|')],
  ['alternatives, repeated', full('a|b|', ['(', 'c)*'])],
  ['a thousand ends', full('$')],
  ['a thousand beginnings', full('^')],
  ['a thousand word boundaries', full('\\b')],
  ['properties of Unicode', full('\\p{L}')],
  ['properties of Unicode in one class', full('\\pL\\PN', ['[', ']*$'])],
  ['properties of Unicode, of either case', full('\\p{L}\\P{Lu}', ['(?i)[', ']*$'])],
  ['classes of all but a letter, of either case', full('[^a]', ['(?i)', ''])],
  [
    'a class of five hundred ranges',
    `[${Array.from({ length: 500 }, (_, i) => String.fromCodePoint(0x100 + 3 * i)).join('')}]*$`,
  ],
  ['parentheses in parentheses', '('.repeat(500) + ')'.repeat(500)],
  ['letters that are no character by themselves', full('[\ud800-\udfff]')],
  ['characters of two halves', full('😀')],
  ['text as it is', full('(a+)+', ['\\Q', ''])],
  ['flags', full('(?i)')],
];

const REFUSED: readonly (readonly [string, string])[] = [
  ['a million repeats', 'x{1,1000000}'],
  ['more repeats than a number holds', `x{1,${'9'.repeat(400)}}`],
  ['repeats of repeats', '((a{100}){100}){100}'],
  ['repeats of nothing', '((){1000}){1000}'],
  ['repeats that double a hundred times', `${'('.repeat(140)}x${'){2}'.repeat(140)}`],
  ['optional parts of optional parts', '('.repeat(340) + ')*'.repeat(340)],
  ['a program that is too long', '(x{0,1000})$'],
  ['a back-reference', '(a+)\\1'],
  ['a back-reference by name', '(?P<n>a)(?P=n)'],
  ['a back-reference of Perl', '(?<n>a)\\k<n>'],
  ['a look ahead', '(?=(a+))a*b'],
  ['a look ahead that must fail', '(?!a)b'],
  ['a look behind', '(?<=a)b'],
  ['a look behind that must fail', '(?<!a)b'],
  ['an atomic group', '(?>a+)b'],
  ['a possessive quantifier', 'a++b'],
  ['a recursion', '(a(?R)?b)'],
  ['a condition', '(?(1)a|b)'],
  ['one byte of a character', 'a\\C'],
  ['a property that is none', '\\p{Klingon}'],
  ['a code point that is none', '\\x{110000}'],
  ['a thousand open parentheses', full('(')],
  ['a thousand open classes', full('[')],
  ['a thousand flags that are open', full('(?i:')],
  ['a thousand groups of one name', full('(?P<n>x)')],
  ['a thousand backslashes and one', full('\\', ['', '']).slice(1)],
  ['a character more than there may be', 'a'.repeat(PATTERN_LENGTH_MAX + 1)],
];

test.each(MATCHED)('%s: compiled and tried in a bounded time', (_, source) => {
  const pattern = new Pattern(source);
  expect(leastMs(() => new Pattern(source))).toBeLessThan(COMPILE_MS_MAX);
  for (const name of NAMES) {
    expect(leastMs(() => pattern.matches(name))).toBeLessThan(MATCH_MS_MAX);
    expect(leastMs(() => pattern.matchesWhole(name))).toBeLessThan(MATCH_MS_MAX);
  }
});

test('all of them at once, each tried against each name, take little memory', () => {
  const before = bytesInUse();
  const patterns = MATCHED.map(([, source]) => new Pattern(source));
  for (const pattern of patterns) for (const name of NAMES) pattern.matches(name);
  expect((bytesInUse() - before) / 1e6).toBeLessThan(MEMORY_MB_MAX);
  expect(patterns).toHaveLength(MATCHED.length);
});

test.each(REFUSED)('%s: InvalidPattern, in a bounded time, saying what to do', (_, source) => {
  let refusal: unknown;
  const tried = leastMs(() => {
    try {
      new Pattern(source);
    } catch (error) {
      refusal = error;
    }
  });
  expect(refusal).toMatchObject({
    code: 'InvalidPattern',
    message: expect.stringMatching(/RE2 syntax|the limit is/),
  });
  expect(tried).toBeLessThan(COMPILE_MS_MAX);
});

describe('a name of a stream that looks like a pattern', () => {
  test.each(['(a+)+$', '.*', '\\', '[', '$'])('%s is matched as text', (text) => {
    const quoted = text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    expect(new Pattern(`^${quoted}$`).matches(text)).toBe(true);
  });
});

test('a pattern that is slow to try against many names is refused by then, saying what to do', async () => {
  const engine = await openEngine({ storage: 'memory' });
  const names = Array.from({ length: 2_000 }, (_, n) => `devices.eu-west-1.${n}.telemetry.readings`);
  await Promise.all(names.map((name) => engine.createStream(name, {})));
  const bind = { pattern: '(?:.?.?){250}(?:A|B)$' };
  const refusal = {
    code: 'InvalidPattern',
    message: expect.stringMatching(/the limit is .* a simpler pattern/),
  };
  await expect(engine.publish({ bind, batch: batchOf('x') })).rejects.toMatchObject(refusal);
  await expect(engine.listStreams({ bind }, (name) => name !== names[0])).rejects.toMatchObject(refusal);
  await expect(RecordingFollower.follow(engine, bind)).rejects.toMatchObject(refusal);
  const usual = await engine.publish({ bind: { pattern: '\\.1\\..*readings$' }, batch: batchOf('x') });
  expect(usual.streams).toMatchObject([{ stream: names[1] }]);
  await engine.close();
});

/** The machine may be busy with something else now and then; not each time. */
function leastMs(action: () => void): number {
  let least = Infinity;
  for (let tries = 0; tries < 3; tries++) {
    const startedAt = performance.now();
    action();
    least = Math.min(least, performance.now() - startedAt);
  }
  return least;
}
