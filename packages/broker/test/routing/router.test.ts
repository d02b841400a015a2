import { InvalidPattern } from '@simplemq/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Router } from '../../src/routing/router.ts';
import { CacheBudget } from '../../src/stream/cache-budget.ts';
import { Stream } from '../../src/stream/stream.ts';
import { StreamLog } from '../../src/stream/stream-log.ts';

const PATTERNS = ['^a', 'b$', '.', 'a.*b', '^\\$', 'nothing'];

function stream(id: number, name: string): Stream {
  const counts = { nextSequence: 1, firstSequence: 1, messages: 0, bytes: 0, lastTime: 0 };
  const stored = { id, name, createdAt: 0, lanes: [], ...counts };
  const options = { storage: 'memory', retention: 'work' };
  const budget = new CacheBudget(0);
  const logOf = (_: Stream, lane: number) => new StreamLog({ streamId: id, lane, budget, readFrom: () => 1 });
  return new Stream({ ...stored, options }, logOf);
}

test('what a router remembers of a pattern is true as streams come and go', () => {
  const name = fc.constantFrom('a', 'ab', 'b', 'acb', 'c', '$a', '$b');
  const step = fc.oneof(
    fc.record({ do: fc.constantFrom('add', 'remove'), name }),
    fc.record({ do: fc.constant('ask'), name: fc.constantFrom(...PATTERNS) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const streams = new Map<string, Stream>();
      const router = new Router(streams);
      let id = 1;
      for (const { do: what, name: each } of steps) {
        const known = streams.get(each);
        if (what === 'add' && known === undefined) {
          const added = stream(id++, each);
          streams.set(each, added);
          router.added(added);
        } else if (what === 'remove' && known !== undefined) {
          streams.delete(each);
          router.removed(known);
        } else if (what === 'ask') {
          // A router that remembers nothing yet says what is true.
          const fresh = new Router(streams).matches(each);
          expect([...router.matches(each)].map((match) => match.id)).toEqual(
            [...fresh].map((match) => match.id),
          );
        }
      }
    }),
  );
});

test('a pattern is compiled and tried once, however often it is asked for', () => {
  const streams = new Map<string, Stream>();
  for (let id = 1; id <= 1_000; id++) streams.set(`s${id}`, stream(id, `s${id}`));
  const router = new Router(streams);
  const matches = router.matches('^s');
  expect(matches.size).toBe(1_000);
  for (let i = 0; i < 100_000; i++) expect(router.matches('^s') === matches).toBe(true);
});

test('more patterns than it remembers are answered all the same', () => {
  const streams = new Map([['s1', stream(1, 's1')]]);
  const router = new Router(streams);
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 1_500; i++) expect(router.matches(`^s1|${i}`).size).toBe(1);
  }
  const added = stream(2, 's1x');
  streams.set('s1x', added);
  router.added(added);
  expect(router.matches('^s1|0').size).toBe(2);
  expect(router.matches('^s1|1499').size).toBe(2);
});

test('what it remembers is bounded by streams too, over all patterns, and is true all the same', () => {
  const streams = new Map<string, Stream>();
  const router = new Router(streams, 100);
  for (let id = 1; id <= 40; id++) {
    const added = stream(id, `s${id}`);
    streams.set(added.name, added);
    router.added(added);
    for (let i = 0; i < 10; i++) expect(router.matches(`^s|${i}`).size).toBe(id);
    expect(router.rememberedMatches).toBeLessThanOrEqual(100);
  }
  for (const known of [...streams.values()]) {
    streams.delete(known.name);
    router.removed(known);
    expect(router.matches('^s|9').size).toBe(streams.size);
  }
  expect(router.rememberedMatches).toBe(0);
});

test('a pattern that matches more than it remembers is tried once all the same', () => {
  const streams = new Map<string, Stream>();
  for (let id = 1; id <= 1_000; id++) streams.set(`s${id}`, stream(id, `s${id}`));
  const router = new Router(streams, 10);
  expect(router.matches('^s')).toBe(router.matches('^s'));
});

describe('a pattern that is slow to try', () => {
  const slow = '(?:.?.?){250}(?:A|B)$';
  const long = (id: number) => stream(id, `${'x'.repeat(240)}${id}A`);

  test('is not remembered when it was refused, or took long for each name', () => {
    const streams = new Map<string, Stream>();
    const router = new Router(streams);
    for (let id = 1; id <= 2_000; id++) streams.set(`s${id}`, long(id));
    expect(() => router.matches(slow)).toThrow(InvalidPattern);
    for (const name of [...streams.keys()].slice(2)) streams.delete(name);
    expect(router.matches(slow).size).toBe(2);
    expect(router.rememberedMatches).toBe(0);
  });

  test('is forgotten with the first stream that it holds up, and its matches are true all the same', () => {
    const streams = new Map<string, Stream>();
    const router = new Router(streams);
    expect(router.matches(slow).size).toBe(0);
    for (let id = 1; id <= 3; id++) {
      const added = long(id);
      streams.set(added.name, added);
      router.added(added);
      expect(router.rememberedMatches).toBe(0);
      expect(router.matches(slow).size).toBe(id);
    }
  });
});
