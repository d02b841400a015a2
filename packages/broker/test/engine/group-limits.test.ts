import { expect, test, vi } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { batchOf } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine } from '../test-engine.ts';

// As many as the limits allow would take seconds to make.
vi.mock('../../src/limits.ts', async (original) => ({
  ...(await original<typeof import('../../src/limits.ts')>()),
  GROUPS_PER_STREAM_MAX: 3,
  GROUPS_MAX: 5,
  GROUPS_FOR_EACH_STREAM: 2,
}));

const TOO_MANY = { code: 'InvalidOption', details: { option: 'group' } };

async function createGroups(engine: Engine, stream: string, ...groups: readonly string[]): Promise<void> {
  await Promise.all(groups.map((group) => engine.createGroup({ stream, group })));
}

test('a stream has so many groups and no more; those that are there go on, and one that goes makes room', async () => {
  await using broker = await openTestEngine('memory');
  const { engine } = broker;
  await engine.createStream('s', {});
  await createGroups(engine, 's', 'a', 'b', 'c');
  const follow = (group: string) => RecordingFollower.follow(engine, { stream: 's' }, { group, credit: 1 });
  await expect(createGroups(engine, 's', 'd')).rejects.toMatchObject(TOO_MANY);
  await expect(follow('d')).rejects.toMatchObject(TOO_MANY);
  await follow('a');
  expect(await engine.createGroup({ stream: 's', group: 'b' })).toBe(false);
  await engine.deleteGroup('s', 'c');
  await follow('d');
});

test('asked for at once, no more groups are made than there is room for', async () => {
  await using broker = await openTestEngine('memory');
  const { engine } = broker;
  await engine.createStream('s', {});
  const asked = Array.from({ length: 10 }, (_, i) => engine.createGroup({ stream: 's', group: `g${i}` }));
  const answers = await Promise.allSettled(asked);
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
});

test('there are so many groups in all, also after a start, and more where there are many streams', async () => {
  await using broker = await openTestEngine('file');
  for (const name of ['s', 't']) await broker.engine.createStream(name, {});
  await createGroups(broker.engine, 's', 'a', 'b', 'c');
  await createGroups(broker.engine, 't', 'a', 'b');
  await broker.restart();
  const { engine } = broker;
  await expect(createGroups(engine, 't', 'c')).rejects.toMatchObject(TOO_MANY);
  await engine.deleteStream('s');
  await createGroups(engine, 't', 'c');
  await engine.createStream('u', {});
  await createGroups(engine, 'u', 'a', 'b');
  await expect(createGroups(engine, 'u', 'c')).rejects.toMatchObject(TOO_MANY);
  await engine.createStream('v', {});
  await createGroups(engine, 'u', 'c');
});

test('a follower by a pattern is in a stream that comes when there are as many groups as may be', async () => {
  await using broker = await openTestEngine('memory');
  const { engine } = broker;
  await engine.createStream('s', {});
  await engine.createStream('t', {});
  await createGroups(engine, 's', 'a', 'b', 'c');
  await createGroups(engine, 't', 'a', 'b');
  const follower = await RecordingFollower.follow(engine, { pattern: '^u' }, { credit: 1 });
  await engine.createStream('u', {});
  await engine.publish({ bind: { stream: 'u' }, batch: batchOf('hello') });
  await follower.until(1);
});
