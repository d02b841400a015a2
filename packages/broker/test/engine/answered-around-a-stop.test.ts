import { StorageFailed, StorageFull } from '@simplemq/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EmbeddedEngine } from '../../src/engine/embedded-engine.ts';
import type { EngineEvent } from '../../src/engine/events.ts';
import { batchOf } from '../batches.ts';
import { FakeStore, openOn } from '../fake-store.ts';
import { RecordingFollower, rangesOf } from '../recording-follower.ts';
import { turns } from '../test-engine.ts';

/** More than any answer takes once there is nothing to wait for. */
const TURNS_MAX = 500;
const STREAMS = ['work', 'log', 'memory', 'dropping'] as const;

type Asks = (engine: EmbeddedEngine, follower: RecordingFollower, stream: string) => Promise<unknown>;

/** One of each kind of request that changes something, or that reads in steps. */
const REQUESTS: Readonly<Record<string, Asks>> = {
  publish: (engine, _, stream) =>
    engine.publish({ bind: { stream }, batch: batchOf('x', { body: 'y', delayMs: 1 }) }),
  publishWithId: (engine, _, stream) =>
    engine.publish({ bind: { stream }, batch: batchOf({ body: 'x', messageId: 'id' }) }),
  ack: (_, follower) => follower.ack(...follower.deliveries.slice(-2)),
  nack: (_, follower) => follower.nack(follower.deliveries.slice(0, 1)),
  reject: (_, follower) => follower.reject(follower.deliveries.slice(0, 2)),
  transaction: (engine, { engineFollower, deliveries }) =>
    engine.transaction({
      publishes: [{ bind: { stream: 'work' }, batch: batchOf('result') }],
      acks: [{ follower: engineFollower, entries: rangesOf(deliveries.slice(-1)) }],
    }),
  resetGroup: (engine, _, stream) => engine.resetGroup({ stream, group: 'g', startFrom: { sequence: 2 } }),
  createGroup: (engine, _, stream) =>
    engine.createGroup({ stream, group: 'other', startFrom: { sequence: 3 } }),
  deleteGroup: (engine, _, stream) => engine.deleteGroup(stream, 'other'),
  purge: (engine, _, stream) => engine.purgeStream({ stream, sequence: 4 }),
  updateStream: (engine, _, stream) =>
    engine.updateStream(stream, { maxMessages: 4, overflow: 'drop-oldest' }),
  createStream: (engine) => engine.createStream('new', {}),
  deleteStream: (engine) => engine.deleteStream('new'),
  read: (engine, _, stream) => engine.read({ stream }),
  redrive: (engine, _, stream) => engine.redrive({ stream }),
  deleteDeadLetters: (engine, _, stream) => engine.deleteDeadLetters({ stream }),
  cancelDelayed: (engine, _, stream) => engine.cancelDelayed({ stream, ids: [1, 2, 3] }),
  saveSchedule: (engine, _, stream) =>
    engine.saveSchedule({ name: 'c', stream, cron: '* * * * * *', batch: batchOf('tick') }),
  deleteSchedule: (engine) => engine.deleteSchedule('c'),
  follow: (engine, _, stream) => RecordingFollower.follow(engine, { stream }, { group: 'third', credit: 3 }),
};

const step = fc.record({
  request: fc.constantFrom(...Object.keys(REQUESTS)),
  stream: fc.nat({ max: STREAMS.length - 1 }),
  turns: fc.constantFrom(0, 0, 1, 2),
});
const faults = fc.oneof(
  fc.constant({ kind: 'none' as const }),
  fc.record({
    kind: fc.constantFrom('full' as const, 'commit' as const, 'read' as const),
    at: fc.nat({ max: 6 }),
  }),
);

test('everything that is asked around a stop is answered, on a disk that is full or fails too', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 20 }),
      fc.array(step, { maxLength: 5 }),
      faults,
      fc.infiniteStream(fc.nat({ max: 3 })),
      async (before, after, fault, waits) => {
        const store = new FakeStore();
        const events: EngineEvent[] = [];
        const engine = await openOn(store, { cacheBytesMax: 1, onEvent: (event) => events.push(event) });
        const followers = await prepare(engine);
        slowDown(store, fault, waits);
        const unanswered = new Set<string>();
        const ask = async (steps: typeof before): Promise<void> => {
          for (const [index, { request, stream, turns: wait }] of steps.entries()) {
            const name = `${request} ${index}`;
            unanswered.add(name);
            const asked = async () => REQUESTS[request]!(engine, followers[stream]!, STREAMS[stream]!);
            const answered = (): unknown => unanswered.delete(name);
            asked().then(answered, answered);
            await turns(wait);
          }
        };
        await ask(before);
        let isClosed = false;
        const closing = engine.close().finally(() => {
          isClosed = true;
        });
        await ask(after);
        for (let turn = 0; turn < TURNS_MAX && !(isClosed && unanswered.size === 0); turn++) await turns(1);
        expect({ isClosed, unanswered: [...unanswered] }).toEqual({ isClosed: true, unanswered: [] });
        await closing;
        const { error } = await engine.ended;
        const failures = events.filter(({ type }) => type === 'failed');
        if (fault.kind === 'none' || fault.kind === 'full')
          expect({ error, failures }).toEqual({ failures: [] });
      },
    ),
    { numRuns: 150 },
  );
});

/** Streams of each kind with messages, each with a follower that holds some. */
async function prepare(engine: EmbeddedEngine): Promise<RecordingFollower[]> {
  await engine.createStream('work', {});
  await engine.createStream('log', { retention: 'log' });
  await engine.createStream('memory', { storage: 'memory' });
  await engine.createStream('dropping', { overflow: 'drop-oldest', maxMessages: 3, maxBytes: 60 });
  const followers: RecordingFollower[] = [];
  for (const stream of STREAMS) {
    for (let i = 0; i < 3; i++) await engine.publish({ bind: { stream }, batch: batchOf('a', 'b') });
    const options = { retry: { maxDeliveries: 2 } };
    followers.push(await RecordingFollower.follow(engine, { stream }, { group: 'g', credit: 4, options }));
  }
  await turns(20);
  return followers;
}

type Fault = { readonly kind: 'none' } | { readonly kind: 'full' | 'commit' | 'read'; readonly at: number };

function slowDown(store: FakeStore, fault: Fault, waits: Iterator<number>): void {
  let [commits, reads] = [0, 0];
  store.beforeCommit = async ({ batches }) => {
    await turns(waits.next().value ?? 0);
    const isDue = fault.kind !== 'none' && fault.kind !== 'read' && commits++ >= fault.at;
    if (isDue && fault.kind === 'commit') throw new StorageFailed('EIO: i/o error, fdatasync');
    if (isDue && batches.length > 0) throw new StorageFull('no room');
  };
  store.beforeRead = async () => {
    await turns(waits.next().value ?? 0);
    if (fault.kind === 'read' && reads++ >= fault.at) throw new StorageFailed('EIO: i/o error, read');
  };
}
