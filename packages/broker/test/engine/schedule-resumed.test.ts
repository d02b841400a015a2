import { expect, test } from 'vitest';
import { batchOf } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';

test('a schedule that is said to run is on the disk, though it was only being saved when that was asked for', async () => {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  store.beforeCommit = () => {
    asked.resolve();
    return answer.promise;
  };
  const saved = engine.saveSchedule({
    name: 'yearly',
    stream: 's',
    cron: '0 0 1 1 *',
    batch: batchOf('tick'),
  });
  await asked.promise;
  let isAnswered = false;
  const resumed = engine.pauseSchedule('yearly', false).then(() => {
    isAnswered = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isAnswered).toBe(false);
  answer.resolve();
  await Promise.all([saved, resumed]);
  expect(store.commits.flatMap(({ schedules }) => schedules)).toMatchObject([{ name: 'yearly' }]);
  await engine.close();
});
