import { describe, expect, test } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { batchOf, type TestRecord } from '../batches.ts';
import { type Delivery, RecordingFollower, rangesOf } from '../recording-follower.ts';
import { publish, readAll } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';
import { eventually } from './waiting.ts';

const bind = { stream: 's' };
const ROUNDS = 4;
const PER_ROUND = 60;
const KEYS = 5;

/**
 * One stream with all features in use by two groups, over restarts: `workers` handles by key, with priorities, fails at
 * some messages and rejects others, and hands its results on by transactions; `audit` reads along at its own pace.
 */
export function everything({ open, survives }: EngineKind): void {
  describe('everything at once', () => {
    test('loses nothing, brings nothing back, and keeps its counts', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', { maxMessages: 10_000, dedupWindowMs: 3_600_000 });
      await opened.engine.createStream('results', { retention: 'log' });
      const workers = { ordering: 'key', yieldEvery: 4, retry: { delayMs: 0 } };
      await opened.engine.createGroup({ stream: 's', group: 'workers', options: workers });
      await opened.engine.createGroup({ stream: 's', group: 'audit', options: { ratePerSecond: 5_000 } });
      const world = new World();
      for (let round = 0; round < ROUNDS; round++) {
        await world.publish(opened.engine, round);
        await world.work(opened.engine, (round + 1) * PER_ROUND * 0.8);
        if (survives) await opened.restart();
      }
      const { engine } = opened;
      await eventually(async () => (await engine.streamInfo('s')).delayed === 0);
      await world.work(engine, ROUNDS * PER_ROUND);
      await world.audit(engine);

      const results = (await readAll(engine, 'results')).map(({ body }) => body);
      const bodies = [...world.published];
      const letters = await lettersOf(engine);
      expect([...results, ...letters].sort()).toEqual(bodies.sort());
      expect(letters.sort()).toEqual(bodies.filter(isRejected).sort());
      expect([...world.audited].sort()).toEqual(bodies.sort());
      for (const group of ['workers', 'audit']) {
        expect(await engine.groupInfo('s', group)).toMatchObject({ lag: 0, pending: 0 });
      }
      await eventually(async () => (await engine.streamInfo('s')).bytes === 0);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0, delayed: 0 });
      expect(await engine.streamInfo('$dead.s')).toMatchObject({ messages: letters.length });

      // What was rejected is redriven, and passes now; the audit has seen it.
      await engine.redrive({ stream: 's', filter: { group: 'workers' } });
      const again = await RecordingFollower.follow(engine, bind, { group: 'workers', credit: 1_000 });
      const acks: Promise<unknown>[] = [];
      again.onRun = (deliveries) => void acks.push(again.ack(...deliveries));
      if (again.deliveries.length > 0) acks.push(again.ack(...again.deliveries));
      await again.until(letters.length);
      await Promise.all(acks);
      expect([...again.bodies].sort()).toEqual(letters.sort());
      const audit = await RecordingFollower.follow(engine, bind, { group: 'audit', credit: 1_000 });
      await publish(engine, 's', 'end');
      await Promise.all([audit.until(1), again.until(letters.length + 1)]);
      expect(audit.bodies).toEqual(['end']);
    });
  });
}

function isRejected(body: string): boolean {
  return Number(body.slice(1)) % 17 === 0;
}

function fails(body: string): boolean {
  return Number(body.slice(1)) % 7 === 0;
}

/** What is to come of it, and the followers that see to it. */
class World {
  readonly published = new Set<string>();
  readonly audited = new Set<string>();
  readonly #settled = new Set<string>();
  readonly #out = new Map<string, string>();

  async publish(engine: Engine, round: number): Promise<void> {
    const names = Array.from({ length: PER_ROUND }, (_, index) => `m${round * PER_ROUND + index + 1}`);
    const records = names.map((body, index): TestRecord => {
      return {
        body,
        key: `k${index % KEYS}`,
        priority: index % 4,
        messageId: body,
        headers: { round: `${round}` },
        ttlMs: 3_600_000,
        ...(index % 10 === 9 && { delayMs: 50 + index }),
      };
    });
    for (const name of names) this.published.add(name);
    await Promise.all([
      publish(engine, 's', ...records.slice(0, 20)),
      publish(engine, 's', ...records.slice(20)),
      // Half of it again: known by then.
      publish(engine, 's', ...records.slice(0, 40)),
    ]);
  }

  /** Two workers, until so many messages are settled. */
  async work(engine: Engine, wanted: number): Promise<void> {
    if (this.#settled.size >= wanted) return;
    this.#out.clear();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const settling: Promise<unknown>[] = [];
    const workers = [new RecordingFollower(), new RecordingFollower()];
    const isDone = () => this.#settled.size >= wanted;
    for (const worker of workers) {
      worker.onRun = (deliveries) => {
        for (const delivery of deliveries) {
          // It goes back, unhandled, when the worker leaves.
          if (isDone()) return;
          const settled = this.#handle(engine, worker, delivery).then(() => {
            worker.credit(1);
            if (isDone()) resolve();
          });
          settled.catch(reject);
          settling.push(settled);
        }
      };
      await worker.start(engine, bind, { group: 'workers', credit: 10 });
    }
    await promise;
    await Promise.all(settling);
    for (const worker of workers) worker.close();
  }

  /** Reads along until it has seen all. */
  async audit(engine: Engine): Promise<void> {
    const auditor = await RecordingFollower.follow(engine, bind, { group: 'audit', credit: 10_000 });
    await auditor.until(this.published.size);
    for (const { body } of auditor.deliveries) {
      if (this.audited.has(body)) throw new Error(`${body} came twice to the audit`);
      this.audited.add(body);
    }
    await auditor.ack(...auditor.deliveries);
    auditor.close();
  }

  async #handle(engine: Engine, worker: RecordingFollower, delivery: Delivery): Promise<void> {
    const { body, attempt, attributes } = delivery;
    const key = attributes.key!;
    if (this.#settled.has(body)) throw new Error(`${body} came again`);
    if (this.#out.has(key)) throw new Error(`${body} came while ${this.#out.get(key)} of its key was out`);
    this.#out.set(key, body);
    await new Promise((resolve) => setImmediate(resolve));
    this.#out.delete(key);
    if (isRejected(body)) {
      this.#settled.add(body);
      await worker.reject([delivery], 'not this one');
    } else if (fails(body) && attempt === 1) {
      await worker.fail([delivery], 'the first time');
    } else {
      this.#settled.add(body);
      await engine.transaction({
        publishes: [{ bind: { stream: 'results' }, batch: batchOf(body) }],
        acks: [{ follower: worker.engineFollower, entries: rangesOf([delivery]) }],
      });
    }
  }
}

async function lettersOf(engine: Engine): Promise<string[]> {
  return (await readAll(engine, '$dead.s')).map(({ body }) => body);
}
