import { StorageFull } from '@simplemq/protocol';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { batchOf, batchOfMany, sharingBatch } from '../batches.ts';
import { readAll } from '../conformance/asking.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { RecordingFollower, rangesOf } from '../recording-follower.ts';
import { turns } from '../test-engine.ts';

const bind = { stream: 's' };
const MIB = 1024 * 1024;
/** What goes to the dead letters, or comes back from there, in one commit: 8 MiB, and the message that passes them. */
const LETTERS_BYTES_MAX = 9.1 * MIB;

/** An engine with the stream `s`, and the bytes of messages that each commit brings from now on. */
async function openMeasured() {
  const store = new FakeStore();
  const engine = await openOn(store);
  await engine.createStream('s', {});
  const commits: number[] = [];
  const measure = ({ batches }: Parameters<FakeStore['beforeCommit']>[0]) => {
    const bytes = batches.reduce((sum, { batch }) => sum + batch.bytes, 0);
    if (bytes > 0) commits.push(bytes);
  };
  store.beforeCommit = measure;
  return { store, engine, commits, measure };
}

/** Messages of one MiB, in batches of as many as a frame has room for. */
async function publishLarge(engine: Awaited<ReturnType<typeof openOn>>, count: number, ttlMs?: number) {
  const body = 'x'.repeat(MIB);
  for (let i = 0; i < count; i += 6) {
    const bodies = Array.from({ length: Math.min(6, count - i) }, (_, at) => `${i + at + 1} ${body}`);
    await engine.publish({
      bind,
      batch: batchOf(...bodies.map((text) => ({ body: text, ...(ttlMs && { ttlMs }) }))),
    });
  }
}

describe('large messages that die together', () => {
  test('are buried in commits of about 8 MiB when they expire', async () => {
    const { store, engine, commits } = await openMeasured();
    await engine.createGroup({ stream: 's', group: 'g', options: { deadLetterExpired: true } });
    await publishLarge(engine, 24, 1);
    await vi.waitUntil(() => Date.now() > store.rows.at(-1)!.batch.time + 1, { interval: 1 });
    commits.length = 0;
    await RecordingFollower.follow(engine, bind, { group: 'g', credit: 1 });
    await expect
      .poll(() => engine.listStreams({ bind: { pattern: '^\\$dead' } }))
      .toMatchObject({ streams: [{ messages: 24 }] });
    expect(Math.max(...commits)).toBeLessThan(LETTERS_BYTES_MAX);
    await engine.close();
  });

  test('are all dead letters when their reject is answered, though there was no room meanwhile', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { store, engine, commits, measure } = await openMeasured();
    await publishLarge(engine, 20);
    await engine.publish({ bind, batch: batchOfMany(3, 'small ') });
    const follower = await RecordingFollower.follow(engine, bind, { credit: 23 });
    await follower.until(23);
    commits.length = 0;
    const refused = Promise.withResolvers<void>();
    let times = 0;
    store.beforeCommit = (transaction) => {
      if (commits.length === 1 && transaction.batches.length > 0) {
        // It is tried once more at once, by itself.
        if (++times === 2) {
          store.beforeCommit = measure;
          refused.resolve();
        }
        throw new StorageFull('no room');
      }
      measure(transaction);
    };
    let isAnswered = false;
    const rejected = follower.reject(follower.deliveries, 'no use').then(() => {
      isAnswered = true;
    });
    await refused.promise;
    await turns();
    expect(isAnswered).toBe(false);
    expect(await engine.groupInfo('s', 'workers')).toMatchObject({ deadLettered: 8, pending: 15 });
    vi.advanceTimersByTime(1_000);
    await rejected;
    const dead = await readAll(engine, '$dead.s');
    expect(dead.map(({ attributes }) => attributes.dead!.sequence)).toEqual(
      Array.from({ length: 23 }, (_, index) => index + 1),
    );
    expect(Math.max(...commits)).toBeLessThan(LETTERS_BYTES_MAX);
    await engine.close();
  });
});

describe('dead letters of large messages', () => {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

  async function withLetters(count: number) {
    const measured = await openMeasured();
    const { engine, commits } = measured;
    await publishLarge(engine, count);
    const follower = await RecordingFollower.follow(engine, bind, { credit: count });
    await follower.until(count);
    await follower.reject(follower.deliveries);
    commits.length = 0;
    return { ...measured, follower };
  }

  test('are listed about 8 MiB at a time, each once', async () => {
    const { engine } = await withLetters(20);
    const sequences: number[] = [];
    for (let after = 0, more = true; more; ) {
      const page = await engine.deadLetters({ stream: 's', after });
      const bytes = page.runs.reduce((sum, { records }) => sum + records.length, 0);
      expect(bytes).toBeLessThan(LETTERS_BYTES_MAX);
      sequences.push(...page.runs.map(({ first }) => first));
      after = page.next - 1;
      ({ more } = page);
    }
    expect(sequences).toEqual(numbers(20));
    await engine.close();
  });

  test('are redriven and deleted about 8 MiB in a commit, each once', async () => {
    const { engine, commits, follower } = await withLetters(20);
    follower.credit(20);
    const redriven: number[] = [];
    for (let after = 0, more = true; more; ) {
      const page = await engine.redrive({ stream: 's', after, filter: { sequences: numbers(15) } });
      redriven.push(page.messages);
      ({ after, more } = page);
    }
    expect(redriven).toEqual([8, 7]);
    expect(Math.max(...commits)).toBeLessThan(LETTERS_BYTES_MAX);
    await follower.until(35);
    await follower.reject(follower.deliveries.slice(20));
    const first = await engine.deleteDeadLetters({ stream: 's' });
    expect(first).toMatchObject({ messages: 8, more: true });
    expect(await engine.streamInfo('$dead.s')).toMatchObject({ messages: 12 });
    await engine.close();
  });
});

describe('a publish to many streams', () => {
  const large = () => batchOf('x'.repeat(8 * MIB));
  const toAll = { pattern: '^s' };
  const tooLarge = { code: 'MessageTooLarge', details: { max: 256 * MIB } };

  /** An engine with so many streams; messages in them are views of those that were published, and cost no memory. */
  async function withStreams(count: number, storage: 'file' | 'memory' = 'file') {
    const store = new FakeStore();
    const engine = await openOn(store);
    for (let i = 1; i <= count; i++) await engine.createStream(`s${i}`, { storage });
    return { store, engine };
  }

  test('that would store more than 256 MiB in all is refused, and nothing of it is stored', async () => {
    const { engine } = await withStreams(32);
    const refused = engine.publish({ bind: toAll, batch: large() });
    await expect(refused).rejects.toMatchObject({
      ...tooLarge,
      message:
        'this would store 257 MiB on 32 streams; one publish or transaction may store 256 MiB: send it to fewer ' +
        'streams, or in smaller messages or batches',
    });
    const later = batchOf({ body: 'x'.repeat(8 * MIB), delayMs: 60_000 });
    await expect(engine.publish({ bind: toAll, batch: later })).rejects.toMatchObject(tooLarge);
    const { streams } = await engine.listStreams({});
    expect(streams.filter(({ nextSequence, delayed }) => nextSequence > 1 || delayed > 0)).toEqual([]);
    // What is not on the disk takes no room there.
    for (let i = 1; i <= 8; i++) await engine.createStream(`s${i}-memory`, { storage: 'memory' });
    await engine.deleteStream('s1');
    expect((await engine.publish({ bind: toAll, batch: large() })).streams).toHaveLength(39);
    await engine.close();
  });

  test('in a transaction is counted with the others, and when it is refused nothing is acked', async () => {
    const { engine } = await withStreams(8);
    await engine.createStream('jobs', {});
    await engine.publish({ bind: { stream: 'jobs' }, batch: batchOf('job') });
    const follower = await RecordingFollower.follow(engine, { stream: 'jobs' }, { credit: 1 });
    const [job] = await follower.until(1);
    const acks = [{ follower: follower.engineFollower, entries: rangesOf([job!]) }];
    const publishes = Array.from({ length: 4 }, () => ({ bind: toAll, batch: large() }));
    await expect(engine.transaction({ publishes, acks })).rejects.toMatchObject(tooLarge);
    expect(await engine.groupInfo('jobs', 'workers')).toMatchObject({ pending: 1 });
    await engine.transaction({ publishes: publishes.slice(1), acks });
    expect(await engine.groupInfo('jobs', 'workers')).toMatchObject({ pending: 0 });
    await engine.close();
  });

  test('is refused while more than 1 GiB would wait for the disk, and taken afterwards', async () => {
    const { store, engine } = await withStreams(31);
    const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    store.beforeCommit = () => {
      asked.resolve();
      return answer.promise;
    };
    const publish = () => engine.publish({ bind: toAll, batch: large() });
    const underWay = publish();
    await asked.promise;
    const waiting = Array.from({ length: 4 }, publish);
    await expect(publish()).rejects.toMatchObject({ code: 'StorageFull', details: { max: 1024 * MIB } });
    answer.resolve();
    await Promise.all([underWay, ...waiting]);
    await publish();
    expect(await engine.streamInfo('s31')).toMatchObject({ messages: 6, nextSequence: 7 });
    await engine.close();
  });

  test('of a batch that is stored in pieces counts what each of them shares with the others', async () => {
    const { engine } = await withStreams(1);
    const headers = { all: 'x'.repeat(60_000) };
    const numbers = Array.from({ length: 10_000 }, (_, index) => `${index}`);
    const mixed = sharingBatch({ headers }, ...numbers.map((body, at) => ({ body, priority: at % 2 })));
    await expect(engine.publish({ bind: toAll, batch: mixed })).rejects.toMatchObject(tooLarge);
    const known = sharingBatch(
      { headers },
      ...numbers.map((body, at) => ({ body, messageId: `${at % 2 ? at : 0}` })),
    );
    await expect(engine.publish({ bind: toAll, batch: known })).rejects.toMatchObject(tooLarge);
    const other = sharingBatch({ headers }, ...numbers.map((body) => ({ body, messageId: body })));
    expect((await engine.publish({ bind: toAll, batch: other })).streams).toEqual([
      { stream: 's1', first: 1 },
    ]);
    await engine.close();
  });
});

test('a schedule waits until less is to be stored, and publishes then', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const store = new FakeStore();
  const engine = await openOn(store);
  for (let i = 1; i <= 32; i++) await engine.createStream(`s${i}`, {});
  await engine.createStream('clock', {});
  await engine.saveSchedule({ name: 'c', stream: 'clock', cron: '* * * * * *', batch: batchOf('tick') });
  const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  store.beforeCommit = () => {
    asked.resolve();
    return answer.promise;
  };
  const publish = () => engine.publish({ bind: { pattern: '^s' }, batch: batchOf('x'.repeat(7 * MIB)) });
  const underWay = publish();
  await asked.promise;
  const waiting = [publish(), publish()];
  vi.advanceTimersByTime(1_100);
  answer.resolve();
  await Promise.all([underWay, ...waiting]);
  expect(await engine.streamInfo('clock')).toMatchObject({ messages: 0 });
  vi.advanceTimersByTime(500);
  await turns(5);
  expect(await engine.streamInfo('clock')).toMatchObject({ messages: 1 });
  await engine.close();
});
