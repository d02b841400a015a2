import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { segmentsIn } from '@simplemq/testkit';
import { describe, expect, test } from 'vitest';
import type { TestRecord } from '../batches.ts';
import { publish, readAll } from '../conformance/asking.ts';
import { eventually } from '../conformance/waiting.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine, type TestEngine } from '../test-engine.ts';

const s = { stream: 's' };

describe('a batch that is damaged on the disk', () => {
  test('is named, and groups go past it as if it had never been', async () => {
    await using opened = await openTestEngine('file', { cacheBytesMax: 1 });
    await opened.engine.createStream('s', {});
    for (const group of ['a', 'b']) await opened.engine.createGroup({ ...s, group, startFrom: 'first' });
    for (const body of ['first', 'to be harmed', 'last'])
      await publish(opened.engine, 's', body, `${body} too`);
    await opened.restart({}, async () => harm(opened, 'to be harmed'));
    const { engine } = opened;
    for (const group of ['a', 'b']) {
      const follower = await RecordingFollower.follow(engine, s, { group, credit: 10 });
      await follower.until(4);
      expect(follower.sequences).toEqual([1, 2, 5, 6]);
      await follower.ack(...follower.deliveries);
      expect(await engine.groupInfo('s', group)).toMatchObject({ lag: 0, pending: 0 });
    }
    expect(damaged(opened)).toMatchObject([
      {
        stream: 's',
        lane: 0,
        first: 3,
        last: 4,
        messages: 2,
        segment: expect.any(Number),
        position: expect.any(Number),
      },
    ]);
    expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
    await publish(engine, 's', 'after');
    expect(await readAll(engine, 's')).toMatchObject([{ sequence: 7, body: 'after' }]);
    // It is told once.
    await opened.restart();
    expect(await readAll(opened.engine, 's')).toMatchObject([{ sequence: 7 }]);
    expect(damaged(opened)).toHaveLength(1);
  });

  test('at the end of its stream leaves no backlog, and one that is all of it none either', async () => {
    await using opened = await openTestEngine('file', { cacheBytesMax: 1 });
    for (const stream of ['s', 't']) {
      await opened.engine.createStream(stream, {});
      await opened.engine.createGroup({ stream, group: 'g', startFrom: 'first' });
    }
    await publish(opened.engine, 's', 'whole');
    await publish(opened.engine, 's', 'harmed s');
    await publish(opened.engine, 't', 'harmed t');
    await opened.restart({}, async () => harm(opened, 'harmed s', 'harmed t'));
    for (const stream of ['s', 't']) {
      const follower = await RecordingFollower.follow(opened.engine, { stream }, { group: 'g', credit: 10 });
      follower.onRun = (deliveries) => setImmediate(() => void follower.ack(...deliveries));
      await eventually(async () => {
        const { lag, pending } = await opened.engine.groupInfo(stream, 'g');
        const { messages, bytes } = await opened.engine.streamInfo(stream);
        return lag + pending + messages + bytes === 0;
      });
    }
    expect(damaged(opened).map(({ stream, first }) => [stream, first])).toEqual([
      ['s', 2],
      ['t', 1],
    ]);
  });

  test('is taken from what waits to be delivered again', async () => {
    await using opened = await openTestEngine('file', { cacheBytesMax: 1 });
    await opened.engine.createStream('s', {});
    for (const body of ['one', 'harmed', 'three']) await publish(opened.engine, 's', body);
    const before = await RecordingFollower.follow(opened.engine, s, { credit: 10 });
    await before.until(3);
    await opened.restart({}, async () => harm(opened, 'harmed'));
    const follower = await RecordingFollower.follow(opened.engine, s, { credit: 10 });
    await follower.until(2);
    expect(follower.bodies).toEqual(['one', 'three']);
    await follower.ack(...follower.deliveries);
    expect(await opened.engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0 });
    expect(await opened.engine.groupInfo('s', 'workers')).toMatchObject({ lag: 0, pending: 0 });
  });

  test('and delayed is named, and never enters its stream', async () => {
    await using opened = await openTestEngine('file');
    await opened.engine.createStream('s', {});
    const later = (body: string): TestRecord => ({ body, delayMs: 3_600_000 });
    await publish(opened.engine, 's', later('whole'));
    await publish(opened.engine, 's', later('to be harmed'));
    await opened.restart({}, async () => {
      const file = join(opened.path, 'simplemq.db');
      const bytes = readFileSync(file);
      bytes[bytes.indexOf('to be harmed')]! ^= 0x20;
      writeFileSync(file, bytes);
    });
    const { entries } = await opened.engine.listDelayed(s);
    expect(entries).toMatchObject([{ messages: 1 }]);
    expect(damaged(opened)).toMatchObject([{ stream: 's', messages: 1, delayedId: expect.any(Number) }]);
    expect(await opened.engine.streamInfo('s')).toMatchObject({ delayed: 1 });
  });

  test('goes with its stream, and what it had of the disk with it', async () => {
    await using opened = await openTestEngine('file', { cacheBytesMax: 1 });
    await opened.engine.createStream('s', {});
    await publish(opened.engine, 's', 'harmed');
    await opened.restart({}, async () => harm(opened, 'harmed'));
    expect(await readAll(opened.engine, 's')).toEqual([]);
    expect(damaged(opened)).toHaveLength(1);
    const [segment] = segmentsIn(opened.path);
    await opened.engine.deleteStream('s');
    await eventually(async () => !segmentsIn(opened.path).includes(segment!));
  });
});

function damaged({ events }: TestEngine) {
  return events.filter((event) => event.type === 'damaged');
}

/** Flips a bit of each of these texts in the journal. */
function harm({ path }: TestEngine, ...texts: readonly string[]): void {
  for (const text of texts) {
    const files = segmentsIn(path).map((name) => join(path, name));
    const file = files.find((each) => readFileSync(each).includes(text))!;
    const bytes = readFileSync(file);
    bytes[bytes.indexOf(text)]! ^= 0x20;
    writeFileSync(file, bytes);
  }
}
