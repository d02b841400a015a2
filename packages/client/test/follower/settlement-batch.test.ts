import { describe, expect, it } from 'vitest';
import { inParts, joinedByStream } from '../../src/follower/settlement-batch.ts';

const one = (sequence: number, attempt = 1) => ({ first: sequence, last: sequence, attempt });

describe('ranges', () => {
  it('of neighbours in one attempt are joined, stream by stream', () => {
    const entries = [3, 1, 2, 7].map((sequence) => ({ stream: 'a', ranges: [one(sequence)] }));
    const other = { stream: 'b', ranges: [one(4)] };
    const again = { stream: 'a', ranges: [one(8, 2), one(9, 2)] };
    expect(joinedByStream([...entries, other, again])).toEqual([
      { stream: 'a', ranges: [{ first: 1, last: 3, attempt: 1 }, one(7), { first: 8, last: 9, attempt: 2 }] },
      { stream: 'b', ranges: [one(4)] },
    ]);
  });

  it('go in as many parts as it takes, a stream over several of them too', () => {
    const entries = [
      { stream: 'a', ranges: [one(1), one(3), one(5)] },
      { stream: 'b', ranges: [one(2)] },
    ];
    expect(inParts(entries, 2)).toEqual([
      [{ stream: 'a', ranges: [one(1), one(3)] }],
      [
        { stream: 'a', ranges: [one(5)] },
        { stream: 'b', ranges: [one(2)] },
      ],
    ]);
    expect(inParts(entries, 4)).toEqual([entries]);
    expect(inParts([], 2)).toEqual([[]]);
  });
});
