import { afterEach, expect, test, vi } from 'vitest';
import { batchOf } from '../batches.ts';
import { publish } from '../conformance/asking.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine } from '../test-engine.ts';

const HOUR_MS = 3_600_000;
const bind = { stream: 's' };

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** The clock of day, by which an engine that starts finds out how much time has passed. */
function setClock(aheadMs: number): void {
  vi.spyOn(Date, 'now').mockImplementation(() => {
    return Math.round(performance.timeOrigin + performance.now()) + aheadMs;
  });
}

test('what waits is not late by an hour when the clock was set back by one while the broker was down', async () => {
  setClock(HOUR_MS);
  await using opened = await openTestEngine('file');
  await opened.engine.createStream('s', {});
  const follower = await RecordingFollower.follow(opened.engine, bind, { credit: 1 });
  await publish(opened.engine, 's', 'fails', { body: 'delayed', delayMs: 300 });
  await follower.until(1);
  await follower.nack([follower.deliveries[0]!], 200);
  await opened.restart({}, async () => setClock(0));
  const again = await RecordingFollower.follow(opened.engine, bind, { credit: 2 });
  await again.until(2);
  expect(again.deliveries.map(({ body, attempt }) => [body, attempt])).toEqual([
    ['fails', 2],
    ['delayed', 1],
  ]);
});

test('what is sent again after the clock was set forward by an hour is stored once', async () => {
  setClock(0);
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  await using opened = await openTestEngine('file', { producerWindowMs: HOUR_MS });
  const { engine } = opened;
  await engine.createStream('s', { dedupWindowMs: HOUR_MS });
  const producer = { id: '00'.repeat(16), number: 1, settled: 0 };
  const first = await engine.publish({ bind, batch: batchOf('x'), producer });
  await publish(engine, 's', { body: 'named', messageId: 'm' });
  setClock(HOUR_MS + 1);
  // What is forgotten is forgotten by a look every second.
  vi.advanceTimersByTime(2_000);
  expect(await engine.publish({ bind, batch: batchOf('x'), producer })).toEqual(first);
  await publish(engine, 's', { body: 'named', messageId: 'm' });
  expect(await engine.streamInfo('s')).toMatchObject({ messages: 2 });
});

test('a message id is known after the clock was set forward and the broker was started anew at once', async () => {
  setClock(0);
  // Nobody looks at the clock in between.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  await using opened = await openTestEngine('file');
  await opened.engine.createStream('s', { dedupWindowMs: HOUR_MS });
  setClock(2 * HOUR_MS);
  await publish(opened.engine, 's', { body: 'named', messageId: 'm' });
  await opened.restart();
  vi.advanceTimersByTime(2_000);
  await publish(opened.engine, 's', { body: 'named', messageId: 'm' });
  expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 1 });
});

test('a message id is forgotten after its window when the clock was set back by an hour while the broker was down', async () => {
  setClock(HOUR_MS);
  await using opened = await openTestEngine('file');
  await opened.engine.createStream('s', { dedupWindowMs: 1_000 });
  await publish(opened.engine, 's', { body: 'named', messageId: 'm' });
  await opened.restart({}, async () => setClock(0));
  const sentAgain = async () => {
    await publish(opened.engine, 's', { body: 'named', messageId: 'm' });
    return (await opened.engine.streamInfo('s')).messages;
  };
  await expect.poll(sentAgain, { timeout: 20_000 }).toBe(2);
});

test('a message id whose window was over while the broker was down is new at once', async () => {
  setClock(0);
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  await using opened = await openTestEngine('file');
  await opened.engine.createStream('s', { dedupWindowMs: 60_000 });
  await publish(opened.engine, 's', { body: 'before', messageId: 'm' });
  await opened.restart({}, async () => setClock(HOUR_MS));
  await publish(opened.engine, 's', { body: 'after', messageId: 'm' });
  expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 2 });
});

test('a stream whose last message has just come is not deleted as unused when the clock is set forward', async () => {
  setClock(0);
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  await using opened = await openTestEngine('file');
  await opened.engine.createStream('s', { expireAfterMs: HOUR_MS });
  await publish(opened.engine, 's', 'x');
  setClock(2 * HOUR_MS);
  vi.advanceTimersByTime(2_000);
  expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 1 });
});

test.each(['while the broker runs', 'while it is down'])(
  'a schedule goes on when a clock that was ahead is set right %s',
  async (when) => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: 1_000_000 * HOUR_MS });
    await using opened = await openTestEngine('file');
    await opened.engine.createStream('s', {});
    for (const name of ['published', 'paused']) {
      await opened.engine.saveSchedule({ name, stream: 's', cron: '* * * * * *', batch: batchOf(name) });
    }
    await opened.engine.pauseSchedule('paused', true);
    await opened.engine.saveSchedule({
      name: 'saved',
      stream: 's',
      cron: '0 0 * * * *',
      batch: batchOf('saved'),
    });
    vi.advanceTimersByTime(1_000);
    const setRight = async () => {
      vi.setSystemTime(900_000 * HOUR_MS);
    };
    if (when === 'while it is down') await opened.restart({}, setRight);
    else await setRight();
    vi.advanceTimersByTime(3_000);
    const [paused, published, saved] = await opened.engine.listSchedules();
    expect(paused).toMatchObject({ name: 'paused', paused: true });
    expect(published!.lastAt).toBeLessThan(900_000 * HOUR_MS + 3_001);
    expect(saved!.nextAt).toBe(900_001 * HOUR_MS);
    await expect.poll(async () => (await opened.engine.streamInfo('s')).messages).toBeGreaterThanOrEqual(2);
  },
);

test('a time that a schedule has published at publishes once when the clock is set back by some seconds', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: 1_000_000 * HOUR_MS - 1_000 });
  await using opened = await openTestEngine('memory');
  const { engine } = opened;
  await engine.createStream('s', {});
  await engine.saveSchedule({ name: 'hourly', stream: 's', cron: '0 0 * * * *', batch: batchOf('tick') });
  vi.advanceTimersByTime(1_000);
  vi.setSystemTime(1_000_000 * HOUR_MS - 5_000);
  vi.advanceTimersByTime(10_000);
  expect(await engine.listSchedules()).toMatchObject([{ nextAt: 1_000_001 * HOUR_MS }]);
  await expect.poll(async () => (await engine.streamInfo('s')).messages).toBe(1);
});
