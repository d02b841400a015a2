import { checkName, checkNewName, deadLetterStream, InvalidName, NAME_LENGTH_MAX } from '@simplemq/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('a name is accepted', () => {
  test.each([
    'a',
    'hello_queue',
    'orders/eu/2026',
    'with space',
    'Grüße 你好 🙂',
    '...',
    'a..b',
    '.hidden',
    'a/.b/c.',
    'x'.repeat(NAME_LENGTH_MAX),
  ])('%s', (name) => {
    expect(() => checkNewName('stream', name)).not.toThrow();
  });
});

describe('a name is refused, naming the rule', () => {
  test.each<[string, RegExp]>([
    ['', /is empty/],
    ['x'.repeat(NAME_LENGTH_MAX + 1), /has 256 characters; the limit is 255/],
    ['a\nb', /control/],
    ['a\u0000', /control/],
    ['zero\u200bwidth', /invisible/],
    ['\u202eright to left', /invisible/],
    ['line\u2028separator', /invisible/],
    [' a', /white space/],
    ['a ', /white space/],
    ['\u00a0', /white space/],
    ['.', /path segment/],
    ['..', /path segment/],
    ['a/../b', /path segment/],
    ['./a', /path segment/],
    ['a/.', /path segment/],
    ['\ud800', /not well-formed/],
  ])('%j', (name, rule) => {
    expect(() => checkName('stream', name)).toThrow(InvalidName);
    expect(() => checkName('stream', name)).toThrow(rule);
  });

  test('when it is made, if bytes that are no UTF-8 were read as it: other bytes would be the same name', () => {
    const name = Buffer.from('caf\u00e9', 'latin1').toString();
    expect(() => checkNewName('stream', name)).toThrow(/has U\+FFFD in it/);
    expect(() => checkName('stream', name)).not.toThrow();
  });

  test('and says whether it is of a stream, a group or a schedule', () => {
    expect(() => checkName('group', '')).toThrow(/the group name ""/);
    expect(() => checkName('schedule', '')).toThrow(/the schedule name ""/);
  });

  test('without repeating much of it', () => {
    const error = caught(() => checkName('stream', 'x'.repeat(1_000_000)));
    expect(error.message.length).toBeLessThan(200);
    expect(JSON.stringify(error.details).length).toBeLessThan(400);
  });
});

test("a name that begins with '$' may be used and not created", () => {
  expect(() => checkName('stream', '$dead.orders')).not.toThrow();
  expect(() => checkNewName('stream', '$dead.orders')).toThrow(/kept for the broker's own/);
});

test('a stream may have dead letters however long its name is', () => {
  const stream = 'x'.repeat(NAME_LENGTH_MAX);
  expect(() => checkName('stream', deadLetterStream(stream))).not.toThrow();
  expect(() => checkName('stream', deadLetterStream(`${stream}x`))).toThrow(/has 256 characters/);
});

test('whatever a name is made of, it is accepted or refused as InvalidName', () => {
  const pieces = fc.constantFrom('a', '.', '..', '/', ' ', '$', '\t', '\u200b', '\ud83d', '\ude42', 'é');
  const names = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.array(pieces).map((all) => all.join('')),
  );
  fc.assert(
    fc.property(names, (name) => {
      try {
        checkNewName('stream', name);
        expect(name).toBe(name.trim());
        expect(name.split('/')).not.toContain('..');
        expect(name.length).toBeLessThanOrEqual(NAME_LENGTH_MAX);
      } catch (error) {
        if (!(error instanceof InvalidName)) throw error;
      }
    }),
  );
});

function caught(action: () => void): InstanceType<typeof InvalidName> {
  try {
    action();
  } catch (error) {
    return error as InstanceType<typeof InvalidName>;
  }
  return expect.fail('nothing was thrown');
}
