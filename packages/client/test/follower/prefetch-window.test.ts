import { describe, expect, it } from 'vitest';
import { PrefetchWindow } from '../../src/follower/prefetch-window.ts';

describe('the automatic prefetch window', () => {
  it('begins with one message', () => {
    expect(new PrefetchWindow('auto', 1).size).toBe(1);
  });

  it('grows fourfold at most, up to its limit, while the handler is quick', () => {
    const window = new PrefetchWindow('auto', 1);
    const sizes: number[] = [];
    window.resume(0);
    for (let i = 1, now = 0; i <= 9; i++) {
      const finished = Math.max(1, window.size >> 1);
      now += finished * 0.001;
      window.review(now, finished);
      sizes.push(window.size);
    }
    expect(sizes).toEqual([4, 16, 64, 256, 1_024, 4_096, 16_384, 16_384, 16_384]);
  });

  it('holds about 50 ms of work', () => {
    const window = new PrefetchWindow('auto', 1);
    window.resume(0);
    for (let i = 1; i <= 5; i++) window.review(i * 5, 1);
    expect(window.size).toBe(10);
    window.review(25 + 1_000, 1);
    expect(window.size).toBe(1);
  });

  it('does not count the time in which there was nothing to do', () => {
    const window = new PrefetchWindow('auto', 1);
    window.resume(0);
    window.pause(1);
    window.resume(10_000);
    window.review(10_001, 4);
    expect(window.size).toBe(4);
  });

  it('is never smaller than what works at the same time', () => {
    const window = new PrefetchWindow('auto', 8);
    window.resume(0);
    window.review(1_000, 1);
    expect(window.size).toBe(8);
  });

  it('stays as it is when it is a number', () => {
    const window = new PrefetchWindow(5, 1);
    window.resume(0);
    window.review(0.001, 5);
    window.shrink();
    expect(window.size).toBe(5);
  });
});
