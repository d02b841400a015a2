import { expect, test } from 'vitest';
import { batchOf } from '../batches.ts';
import { openTestEngine } from '../test-engine.ts';

const group = { stream: 's', group: 'g' };

test('a group that was deleted and made anew while it was moved is where it was moved to', async () => {
  await using broker = await openTestEngine('file');
  const { engine } = broker;
  await engine.createStream('s', { retention: 'log' });
  await engine.publish({ bind: { stream: 's' }, batch: batchOf('a', 'b', 'c') });
  await engine.createGroup({ ...group, startFrom: 'new' });
  const moved = engine.resetGroup({ ...group, startFrom: { sequence: 2 } });
  const deleted = engine.deleteGroup('s', 'g');
  const created = engine.createGroup({ ...group, startFrom: 'first' });
  await Promise.all([moved, deleted, created]);
  expect(await engine.groupInfo('s', 'g')).toMatchObject({ lag: 2, readPosition: 2 });
});
