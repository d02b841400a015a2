import { afterEach, expect, test, vi } from 'vitest';
import { publish } from '../conformance/asking.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine } from '../test-engine.ts';

const HOUR_MS = 3_600_000;
const bind = { stream: 's' };

afterEach(() => {
  vi.restoreAllMocks();
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
