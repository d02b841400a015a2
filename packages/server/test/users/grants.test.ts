import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Grants, patternOfName } from '../../src/users/grants.ts';
import { bitsOf, RIGHT_BITS, RIGHTS, rightsOf } from '../../src/users/rights.ts';

const { publish, follow, manage, admin } = RIGHT_BITS;

test('a grant is for names that its pattern matches from beginning to end', () => {
  const grants = new Grants([{ pattern: 'orders|orders\\..+', rights: ['publish'] }]);
  expect(grants.on('orders')).toBe(publish);
  expect(grants.on('orders.eu')).toBe(publish);
  for (const other of ['order', 'orders.', 'my orders', 'orders.eu\n', 'xorders.eu', 'ordersx']) {
    expect([other, grants.on(other)]).toEqual([other, 0]);
  }
});

test('what several grants give adds up, and admin is all of it', () => {
  const grants = new Grants([
    { pattern: 'a.*', rights: ['publish'] },
    { pattern: '.*z', rights: ['follow'] },
    { pattern: 'root', rights: ['admin'] },
  ]);
  expect(grants.on('a')).toBe(publish);
  expect(grants.on('abcz')).toBe(publish | follow);
  expect(grants.on('b')).toBe(0);
  expect(grants.on('root')).toBe(admin);
  for (const right of RIGHTS) expect(admin & RIGHT_BITS[right]).toBe(RIGHT_BITS[right]);
});

test('dead letters are asked for as their stream', () => {
  const grants = new Grants([{ pattern: 'orders', rights: ['manage'] }]);
  expect(grants.on('$dead.orders')).toBe(manage);
  expect(grants.on('$dead.$dead.orders')).toBe(manage);
  expect(grants.on('$dead.others')).toBe(0);
  expect(grants.on('$deadorders')).toBe(0);
  // A pattern that spells them out gives nothing: they have no rights of their own.
  expect(new Grants([{ pattern: '\\$dead\\.orders', rights: ['follow'] }]).on('$dead.orders')).toBe(0);
});

test("the broker's own streams are not among those that any pattern matches", () => {
  expect(new Grants([{ pattern: '.*', rights: ['admin'] }]).on('$internal')).toBe(0);
  expect(new Grants([{ pattern: '\\$internal', rights: ['follow'] }]).on('$internal')).toBe(follow);
});

test('a name that is granted is that name and no other', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 20 }), fc.string({ maxLength: 20 }), (name, other) => {
      // Names that a stream can have: neither the broker's own, nor with characters that are refused.
      fc.pre(!name.startsWith('$') && !other.startsWith('$'));
      const grants = new Grants([{ pattern: patternOfName(name), rights: ['publish'] }]);
      expect(grants.on(name)).toBe(publish);
      expect(grants.on(other)).toBe(other === name ? publish : 0);
    }),
  );
});

/** Patterns whose meaning a few lines of plain code can say. */
const pattern = fc.oneof(
  fc
    .stringMatching(/^[ab.]{1,4}$/)
    .map((text) => ({ source: text, matches: (name: string) => sameBut(text, name) })),
  fc.constantFrom('a', 'b', 'ab').map((text) => ({
    source: `${text}.*`,
    matches: (name: string) => name.startsWith(text),
  })),
  fc.constantFrom('a', 'b', 'ab').map((text) => ({
    source: `.*${text}`,
    matches: (name: string) => name.endsWith(text),
  })),
);

/** A dot stands for any character. */
function sameBut(text: string, name: string): boolean {
  return (
    text.length === name.length &&
    [...text].every((character, at) => character === '.' || character === name[at])
  );
}

test('rights are what a simple model says, asked once or again', () => {
  const given = fc.array(fc.record({ pattern, rights: fc.subarray([...RIGHTS], { minLength: 1 }) }), {
    maxLength: 5,
  });
  const names = fc.array(fc.stringMatching(/^[ab]{1,4}$/), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(given, names, (list, asked) => {
      const grants = new Grants(list.map(({ pattern, rights }) => ({ pattern: pattern.source, rights })));
      for (const name of [...asked, ...asked]) {
        const expected = list.reduce((bits, grant) => {
          return grant.pattern.matches(name) ? bits | bitsOf(grant.rights) : bits;
        }, 0);
        expect(grants.on(name)).toBe(expected);
        expect(grants.on(`$dead.${name}`)).toBe(expected);
      }
    }),
  );
});

test('roles are short for rights', () => {
  expect(rightsOf('worker')).toEqual(['publish', 'follow']);
  expect(rightsOf('owner')).toEqual(['publish', 'follow', 'manage']);
  expect(rightsOf('follow, publish')).toEqual(['publish', 'follow']);
  for (const wrong of ['', 'read', 'publish,', 'toString', 'constructor'])
    expect(rightsOf(wrong)).toBeUndefined();
});
