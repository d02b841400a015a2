import { afterEach, expect, test, vi } from 'vitest';
import { publish } from '../conformance/asking.ts';
import { openOn } from '../fake-store.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { StepwiseStore } from '../stepwise-store.ts';
import { turns } from '../test-engine.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test('a message lives for its ttl from when it came, also behind one that has waited long for a commit', async () => {
  const clock = vi.spyOn(Date, 'now');
  clock.mockReturnValue(1_000_000);
  const store = new StepwiseStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  store.isStepwise = true;
  const published = [publish(engine, 's', { body: 'under way', ttlMs: 60_000 })];
  await turns();
  published.push(publish(engine, 's', { body: 'waits', ttlMs: 60_000 }));
  clock.mockReturnValue(1_000_800);
  published.push(publish(engine, 's', { body: 'came now', ttlMs: 500 }));
  store.isStepwise = false;
  await store.step();
  await Promise.all(published);
  const follower = await RecordingFollower.follow(engine, { stream: 's' }, { credit: 10 });
  await follower.until(2);
  await turns(20);
  expect(follower.bodies).toEqual(['under way', 'waits', 'came now']);
  await engine.close();
});
