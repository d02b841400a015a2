import { startTestBroker } from '@simplemq/testkit';
import { expect, test } from 'vitest';
import { FakeEngine } from '../fake-engine.ts';
import { LogLines } from '../log-lines.ts';

test('a storage that does not answer is logged as an error with what it is at, once; then that it answers again', async () => {
  const engine = new FakeEngine();
  const log = new LogLines();
  await using _ = await startTestBroker({ engine, logger: log.logger, storage: { slowAfterMs: 5_000 } });
  engine.storage = { isFull: false, waiting: { doing: 'a commit', silentMs: 5_100 } };
  const told = await log.line('the storage does not answer');
  expect(told).toMatchObject({ level: 50, doing: 'a commit', silentMs: 5_100 });
  engine.storage = { isFull: false, waiting: { doing: 'a commit', silentMs: 20 } };
  const again = await log.line('the storage answers again');
  expect(again.silentMs).toBeGreaterThanOrEqual(5_100);
  expect(log.all.filter(({ msg }) => msg === 'the storage does not answer')).toHaveLength(1);
});

test('a storage that is full is logged as an error, once; then that it has room again', async () => {
  const engine = new FakeEngine();
  const log = new LogLines();
  await using _ = await startTestBroker({ engine, logger: log.logger });
  engine.storage = { isFull: true };
  const told = await log.line('the storage is full: publishes are refused, acks go on');
  expect(told).toMatchObject({ level: 50 });
  engine.storage = { isFull: false };
  await log.line('the storage has room again');
  expect(log.all.filter(({ level }) => level === 50)).toHaveLength(1);
});

test('an event loop that was blocked for longer than a second is logged, with how long', async () => {
  const log = new LogLines();
  await using _ = await startTestBroker({ engine: new FakeEngine(), logger: log.logger });
  // The first look of the histogram must lie before.
  await new Promise((resolve) => setTimeout(resolve, 250));
  const until = performance.now() + 1_300;
  while (performance.now() < until);
  const { blockedMs } = await log.line('the event loop was blocked');
  expect(blockedMs).toBeGreaterThanOrEqual(1_000);
});
