import { FrameQueue } from '@simplemq/protocol';
import { expect, test } from 'vitest';

test('a queue gives back what was pushed, in order, once', () => {
  const queue = new FrameQueue();
  queue.push(Buffer.from('head '), Buffer.from('batch '));
  queue.push(Buffer.from('next'));
  expect(queue.bytes).toBe(15);
  expect(Buffer.concat(queue.take()).toString()).toBe('head batch next');
  expect(queue.bytes).toBe(0);
  expect(queue.take()).toEqual([]);
});
