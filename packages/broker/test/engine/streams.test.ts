import { describe, expect, test, vi } from 'vitest';
import { Pattern } from '../../src/routing/pattern.ts';
import { batchOf, batchOfMany } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { openTestEngine, STORES } from '../test-engine.ts';

describe.each(STORES)('streams (%s)', (kind) => {
  test('a follower with a pattern gets what is published to streams that are created later', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    const follower = await RecordingFollower.follow(engine, { pattern: '.+_world' }, { credit: 10 });
    await engine.createStream('hello_world', {});
    await engine.createStream('elsewhere', {});
    await engine.publish({ bind: { pattern: '.' }, batch: batchOf('hello') });
    await engine.createStream('old_world', {});
    await engine.publish({ bind: { stream: 'old_world' }, batch: batchOf('again') });
    await follower.until(2);
    expect(follower.deliveries.map(({ stream, body }) => [stream, body])).toEqual([
      ['hello_world', 'hello'],
      ['old_world', 'again'],
    ]);
    expect((await engine.streamInfo('elsewhere')).groups).toEqual([]);
  });

  test('deleting one ends those that follow it by name, and not those that follow a pattern', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('gone', {});
    await engine.createStream('stays', {});
    const direct = await RecordingFollower.follow(engine, { stream: 'gone' }, { credit: 1 });
    const regex = await RecordingFollower.follow(engine, { pattern: '.' }, { credit: 10 });
    await engine.publish({ bind: { pattern: '.' }, batch: batchOf('one') });
    await engine.deleteStream('gone');
    expect(await direct.untilEnded()).toMatchObject({ code: 'StreamNotFound', details: { stream: 'gone' } });
    await engine.publish({ bind: { stream: 'stays' }, batch: batchOf('two') });
    await regex.until(2);
    expect(regex.endedWith).toBeUndefined();
    await expect(engine.streamInfo('gone')).rejects.toMatchObject({ code: 'StreamNotFound' });
    // What it held of the stream is nothing any more.
    const entries = [{ stream: 'gone', ranges: [{ first: 1, last: 1, attempt: 1 }] }];
    expect(await regex.engineFollower.ack(entries)).toEqual(entries);
  });

  test('one that is deleted may be created again at once, and begins anew', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    const regex = await RecordingFollower.follow(engine, { pattern: '.' }, { credit: 100 });
    await engine.createStream('phoenix', {});
    await engine.publish({ bind: { stream: 'phoenix' }, batch: batchOfMany(3) });
    await regex.until(3);
    // None of these waits for the one before: all of it is one transaction.
    const asked = [
      engine.deleteStream('phoenix'),
      engine.createStream('phoenix', {}),
      engine.deleteStream('phoenix'),
      engine.createStream('phoenix', {}),
      engine.publish({ bind: { stream: 'phoenix' }, batch: batchOf('new') }),
    ];
    // The one in between was deleted before it was there.
    const answers = await Promise.allSettled(asked);
    expect(answers.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    await regex.until(4);
    expect(regex.deliveries[3]).toMatchObject({ stream: 'phoenix', sequence: 1, body: 'new' });
    await broker.restart();
    const messages = kind === 'file' ? [1] : [];
    const { streams } = await broker.engine.listStreams({});
    expect(streams.map((stream) => stream.messages)).toEqual(messages);
  });

  test('the same name with the same options is there already; with others it is a conflict', async () => {
    await using broker = await openTestEngine('file');
    const { engine } = broker;
    const both = await Promise.all([engine.createStream('s', {}), engine.createStream('s', {})]);
    expect(both).toEqual([true, false]);
    await expect(engine.createStream('s', { storage: 'memory' })).rejects.toMatchObject({
      code: 'StreamConflict',
      details: { option: 'storage', stream: 's' },
    });
    await expect(engine.createStream('s', { retention: 'log' })).rejects.toMatchObject({
      code: 'StreamConflict',
      details: { option: 'retention', stream: 's' },
    });
    await expect(engine.createStream('$mine', {})).rejects.toMatchObject({ code: 'InvalidName' });
  });

  test('no more are created than the limit allows', async () => {
    await using broker = await openTestEngine(kind, { maxStreams: 2 });
    const { engine } = broker;
    await engine.createStream('one', {});
    await engine.createStream('two', {});
    await expect(engine.createStream('three', {})).rejects.toMatchObject({ code: 'TooManyStreams' });
    await engine.deleteStream('one');
    expect(await engine.createStream('three', {})).toBe(true);
  });

  test('they are listed by name, a page at a time', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    for (const name of ['d', 'a', 'c', 'b', 'e']) await engine.createStream(name, {});
    const names: string[] = [];
    for (let more = true; more; ) {
      const after = names[names.length - 1];
      const page = await engine.listStreams({ limit: 2, ...(after !== undefined && { after }) });
      names.push(...page.streams.map(({ name }) => name));
      ({ more } = page);
    }
    expect(names).toEqual(['a', 'b', 'c', 'd', 'e']);
    const some = await engine.listStreams({ bind: { pattern: '[ac]' } });
    expect(some.streams.map(({ name }) => name)).toEqual(['a', 'c']);
  });

  test('purging takes away all that was published before it, delivered or not, and nothing after', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('s', {});
    const follower = await RecordingFollower.follow(engine, { stream: 's' }, { credit: 3 });
    await engine.publish({ bind: { stream: 's' }, batch: batchOfMany(10) });
    await follower.until(3);
    const before = engine.publish({ bind: { stream: 's' }, batch: batchOfMany(5) });
    const purged = engine.purgeStream({ stream: 's' });
    await before;
    expect(await purged).toBe(15);
    expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, bytes: 0, nextSequence: 16 });
    expect(await follower.ack(...follower.deliveries)).toHaveLength(1);
    await engine.publish({ bind: { stream: 's' }, batch: batchOf('after') });
    follower.credit(10);
    await follower.until(4);
    expect(follower.deliveries[3]).toMatchObject({ sequence: 16, attempt: 1, body: 'after' });
    await follower.ack(follower.deliveries[3]!);
    await broker.restart();
    if (kind === 'file') {
      expect(await broker.engine.streamInfo('s')).toMatchObject({
        messages: 0,
        bytes: 0,
        nextSequence: 17,
        groups: [{ lag: 0, pending: 0, ackFloor: 16 }],
      });
    }
  });

  test('purging one that nobody has followed leaves no lag to its first follower', async () => {
    await using broker = await openTestEngine(kind);
    const { engine } = broker;
    await engine.createStream('s', {});
    await engine.publish({ bind: { stream: 's' }, batch: batchOfMany(10) });
    expect(await engine.purgeStream({ stream: 's' })).toBe(10);
    await RecordingFollower.follow(engine, { stream: 's' });
    expect((await engine.streamInfo('s')).groups).toMatchObject([{ lag: 0, pending: 0 }]);
  });
});

describe('a memory stream of an engine with a disk', () => {
  test('works as one on disk, says so in its receipts, and does not survive a restart', async () => {
    await using broker = await openTestEngine('file');
    const { engine } = broker;
    await engine.createStream('m1', { storage: 'memory' });
    await engine.createStream('f1', {});
    const follower = await RecordingFollower.follow(engine, { pattern: '1$' }, { credit: 100 });
    const single = await engine.publish({ bind: { stream: 'm1' }, batch: batchOfMany(5) });
    expect(single).toEqual({ streams: [{ stream: 'm1', first: 1 }], durability: 'memory' });
    const both = await engine.publish({ bind: { pattern: '.' }, batch: batchOfMany(5) });
    expect(both.durability).toBe('memory');
    const onDisk = await engine.publish({ bind: { stream: 'f1' }, batch: batchOfMany(1) });
    expect(onDisk.durability).toBe('fsync');
    await follower.until(16);
    expect(await follower.ack(...follower.deliveries.filter(({ stream }) => stream === 'm1'))).toEqual([]);
    expect(await engine.streamInfo('m1')).toMatchObject({ messages: 0, bytes: 0, storage: 'memory' });
    await broker.restart();
    const { streams } = await broker.engine.listStreams({});
    expect(streams).toMatchObject([{ name: 'f1', messages: 6, groups: [{ pending: 6 }] }]);
  });
});

test('a list by a pattern tries only the streams that may be seen, and finds the same', async () => {
  await using broker = await openTestEngine('memory');
  const { engine } = broker;
  for (let i = 0; i < 30; i++) await engine.createStream(`stream_${i}`, {});
  const tried = vi.spyOn(Pattern.prototype, 'matches');
  try {
    const seen = (name: string) => name === 'stream_3' || name === 'stream_4';
    const names = async (pattern: string, visible?: (name: string) => boolean) =>
      (await engine.listStreams({ bind: { pattern } }, visible)).streams.map(({ name }) => name);
    expect(await names('3', seen)).toEqual(['stream_3']);
    expect(await names('3', () => false)).toEqual([]);
    expect(tried).toHaveBeenCalledTimes(2);
    expect(await names('_3$')).toEqual(['stream_3']);
    expect(await names('_3$', seen)).toEqual(['stream_3']);
    expect(tried).toHaveBeenCalledTimes(2 + 30);
    await expect(names('(', () => false)).rejects.toMatchObject({ code: 'InvalidPattern' });
  } finally {
    tried.mockRestore();
  }
});
