import { ServerClosing } from '@simplemq/protocol';
import { expect, test } from 'vitest';
import { batchOf } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine } from '../test-engine.ts';

const group = { stream: 's', group: 'g' };

test('a group that is moved while the broker stops is moved, or that is not said', async () => {
  await using broker = await openTestEngine('file');
  const { engine } = broker;
  await engine.createStream('s', { retention: 'log' });
  await engine.createGroup(group);
  await engine.publish({ bind: { stream: 's' }, batch: batchOf('a', 'b', 'c') });
  const follower = await RecordingFollower.follow(engine, { stream: 's' }, { group: 'g', credit: 10 });
  await follower.until(3);
  await follower.ack(...follower.deliveries);
  // It takes two commits, and a broker that stops waits for the first.
  const moved = engine.resetGroup({ ...group, startFrom: { sequence: 1 } }).then(
    () => 'moved',
    (error) => error,
  );
  await broker.restart();
  const answer = await moved;
  const { lag } = await broker.engine.groupInfo('s', 'g');
  if (answer === 'moved') expect(lag).toBe(3);
  else {
    expect(answer).toBeInstanceOf(ServerClosing);
    expect(lag).toBe(0);
  }
});
