import { expect, test } from 'vitest';
import { LoginQueue } from '../../src/users/login-queue.ts';

const now = () => performance.now();

test('one works at a time, in order, and it rests as long as it worked', async () => {
  const queue = new LoginQueue(10, now);
  const spans: { from: number; to: number }[] = [];
  const work = async () => {
    const from = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 20));
    spans.push({ from, to: performance.now() });
    return spans.length;
  };
  expect(await Promise.all([1, 2, 3].map(() => queue.run(work, () => true)))).toEqual([1, 2, 3]);
  for (const [index, { from }] of spans.entries()) {
    const before = spans[index - 1];
    // A timer may come a millisecond early.
    if (before !== undefined) expect(from - before.to).toBeGreaterThanOrEqual(before.to - before.from - 2);
  }
});

test('who is not there any more is passed over, and a fault is only its own', async () => {
  const queue = new LoginQueue(10, now);
  const done: string[] = [];
  const failing = queue.run(
    () => Promise.reject(new Error('broken')),
    () => true,
  );
  const gone = queue.run(
    async () => done.push('gone'),
    () => false,
  );
  const last = queue.run(
    async () => done.push('last'),
    () => true,
  );
  await expect(failing).rejects.toThrow('broken');
  expect(await gone).toBeUndefined();
  expect(await last).toBe(1);
  expect(done).toEqual(['last']);
});

test('it tells when it is full', () => {
  const queue = new LoginQueue(2, now);
  const never = () => new Promise<void>(() => undefined);
  const full = [1, 2, 3].map(() => {
    void queue.run(never, () => true);
    return queue.isFull;
  });
  // The first one is at work and does not wait.
  expect(full).toEqual([false, false, true]);
});
