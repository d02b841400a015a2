import { expect, test } from 'vitest';
import { Books } from '../../demo/books.ts';
import { PublisherRow, ReaderRow, StreamRow } from '../../demo/rows.ts';
import { type Tally, tallyOf } from '../../demo/tally.ts';

interface Story {
  readonly handled: number[];
  readonly acked: number[];
  readonly stored?: number;
  readonly left?: number;
  readonly damaged?: number;
}

/** One publisher that had ten lines confirmed, and one reader. */
function tallyFor({ handled, acked, stored = 10, left = 0, damaged = 0 }: Story): Tally {
  const publisher = new PublisherRow('east', 1);
  publisher.heard({ sent: 10, confirmed: 10, connects: 1, durability: 'fsync' });
  const stream = new StreamRow('jobs');
  stream.published = stored;
  stream.messages = left;
  const reader = new ReaderRow('worker', '');
  reader.damaged = damaged;
  const books = new Books();
  books.enter({ east: handled }, { east: acked });
  return tallyOf([publisher], [{ name: 'readers', streams: [stream], readers: [reader], books }]);
}

test('a tally is clean when every confirmed line was handled and acked', () => {
  expect(tallyFor({ handled: [1, 10], acked: [1, 10] }).isClean).toBe(true);
});

test('a line that was handled twice and acked once is a duplicate, which at-least-once allows', () => {
  const tally = tallyFor({ handled: [1, 10, 4, 6], acked: [1, 10] });
  expect(tally.isClean).toBe(true);
  expect(tally.lines.join('\n')).toMatch(/^handled twice +3\b/m);
});

test('an ack whose answer never came is good when the stream is empty', () => {
  const tally = tallyFor({ handled: [1, 10], acked: [1, 8] });
  expect(tally.isClean).toBe(true);
  expect(tally.lines.join('\n')).toMatch(/^acked +10 +2 answers died/m);
});

test('a confirmed line that nobody handled is lost', () => {
  const tally = tallyFor({ handled: [1, 4, 6, 10], acked: [1, 4, 6, 10] });
  expect(tally.isClean).toBe(false);
  expect(tally.lines).toContain('✖ 1 message lost');
});

test('a line that came again after its ack was confirmed breaks the promise', () => {
  expect(tallyFor({ handled: [1, 10, 3, 3], acked: [1, 10, 3, 3] }).isClean).toBe(false);
});

test('a message that is left, stored twice or damaged is told', () => {
  const whole = { handled: [1, 10], acked: [1, 10] };
  expect(tallyFor({ ...whole, left: 1 }).lines).toContain('✖ 1 message left pending');
  expect(tallyFor({ ...whole, stored: 11 }).lines).toContain('✖ 1 message stored twice');
  expect(tallyFor({ ...whole, damaged: 2 }).lines).toContain('✖ 2 messages not what was sent');
});
