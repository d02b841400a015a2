import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { copyDataFolder } from '@simplemq/testkit';
import type { Engine, PublishReceipt } from '../../src/engine/engine.ts';
import { openEngine } from '../../src/engine/open-engine.ts';
import { batchOf, type TestRecord } from '../batches.ts';
import { type Delivery, RecordingFollower } from '../recording-follower.ts';
import { Random } from './random.ts';

/** Everything that somebody was told about a data folder. */
export interface Truth {
  /** The body of each message by its sequence number, by stream. */
  readonly bodies: ReadonlyMap<string, ReadonlyMap<number, string>>;
  /** What each group has acked and awaited, by `stream/group`. */
  readonly acked: ReadonlyMap<string, ReadonlySet<number>>;
  /** The ids of messages that are due in a day. */
  readonly delayed: ReadonlySet<number>;
  /** Bodies of messages that are due shortly after the folder was made, by the ids of their batches. */
  readonly soon: ReadonlyMap<string, number>;
  /** When all of those are due, in milliseconds since 1970 UTC. */
  readonly soonAt: number;
  /** Message ids with the sequence number of their message in LOG. */
  readonly messageIds: ReadonlyMap<string, number>;
  readonly stamped: PublishReceipt;
}

/** A data folder, as one end of a broker leaves it. */
export interface Fixture {
  readonly name: string;
  readonly path: string;
  readonly truth: Truth;
}

export const LOG = 'log';
export const WORK = 'work';
export const KEYED = 'keyed';
export const LATER = 'later';
export const GROUPS: readonly (readonly [stream: string, group: string])[] = [
  [LOG, 'replay'],
  [WORK, 'a'],
  [WORK, 'b'],
  [KEYED, 'workers'],
];
export const STAMP = { id: 'ab'.repeat(16), number: 1, settled: 0 };
const DAY_MS = 24 * 60 * 60 * 1000;
const LONG_MS = 365 * DAY_MS;
/** With nothing to do for longer, the broker brings what it has into the database file. */
const IDLE_MS = 900;
const SOON_MS = 4_000;

/** Makes data folders with streams, groups, acks, pending entries, delayed messages, message ids, in three runs. */
export async function makeFixture(root: string, seed: number): Promise<readonly Fixture[]> {
  const path = join(root, 'running');
  mkdirSync(path, { recursive: true });
  const made = new Making(seed);
  for (let run = 0; run < 2; run++) {
    const engine = await openEngine({ storage: { path } });
    await made.run(engine, run);
    await engine.close();
  }
  const engine = await openEngine({ storage: { path } });
  await made.run(engine, 2);
  const fixtures: Fixture[] = [];
  const keep = (name: string): void => {
    copyDataFolder(path, join(root, name));
    fixtures.push({ name, path: join(root, name), truth: made.truth() });
  };
  await sleep(IDLE_MS);
  keep('idle');
  await made.run(engine, 3);
  keep('killed');
  await engine.close();
  keep('stopped');
  return fixtures;
}

class Making {
  readonly #random: Random;
  readonly #bodies = new Map<string, Map<number, string>>();
  readonly #acked = new Map<string, Set<number>>();
  readonly #delayed = new Set<number>();
  readonly #soon = new Map<string, number>();
  readonly #messageIds = new Map<string, number>();
  #stamped: PublishReceipt | undefined;
  #number = 0;
  #soonAt = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  truth(): Truth {
    return structuredClone({
      bodies: this.#bodies,
      acked: this.#acked,
      delayed: this.#delayed,
      soon: this.#soon,
      soonAt: this.#soonAt,
      messageIds: this.#messageIds,
      stamped: this.#stamped!,
    });
  }

  async run(engine: Engine, run: number): Promise<void> {
    if (run === 0) await this.#create(engine);
    for (let round = 0; round < 4; round++) {
      await this.#publish(
        engine,
        LOG,
        this.#records(() => ({ messageId: `id ${this.#number}` })),
      );
      await this.#publish(
        engine,
        WORK,
        this.#records(() => ({ priority: this.#random.below(4) })),
      );
      await this.#publish(
        engine,
        WORK,
        this.#records(() => ({})),
      );
      await this.#publish(
        engine,
        KEYED,
        this.#records(() => ({ key: `key ${this.#random.below(4)}` })),
      );
    }
    await this.#publish(engine, LOG, [{ body: `large ${'x'.repeat(140_000)}${run}` }]);
    await this.#delay(engine, run);
    for (const [stream, group] of GROUPS) await this.#consume(engine, stream, group);
    if (run === 1) {
      await engine.deleteStream('gone');
      this.#bodies.delete('gone');
    }
    this.#stamped ??= await engine.publish({
      bind: { stream: KEYED },
      batch: batchOf('stamped'),
      producer: STAMP,
    });
    this.#know(KEYED, this.#stamped.streams[0]!.first, ['stamped']);
  }

  async #create(engine: Engine): Promise<void> {
    await engine.createStream(LOG, { retention: 'log', dedupWindowMs: LONG_MS });
    for (const stream of [WORK, KEYED, LATER, 'gone']) await engine.createStream(stream, {});
    for (const [stream, group] of GROUPS) {
      const options = stream === KEYED ? { ordering: 'key' } : {};
      await engine.createGroup({ stream, group, startFrom: 'first', options });
    }
    await this.#publish(engine, 'gone', ['nobody needs this']);
    await engine.saveSchedule({
      name: 'yearly',
      stream: LATER,
      cron: '0 0 1 1 *',
      batch: batchOf('new year'),
    });
  }

  #records(attributes: () => object): TestRecord[] {
    const count = 1 + this.#random.below(12);
    return Array.from({ length: count }, () => {
      const body = `message ${++this.#number} ${'.'.repeat(this.#random.below(300))}`;
      return { ...attributes(), body } as TestRecord;
    });
  }

  async #publish(engine: Engine, stream: string, records: readonly TestRecord[]): Promise<void> {
    const receipt = await engine.publish({ bind: { stream }, batch: batchOf(...records) });
    const { first } = receipt.streams[0]!;
    const bodies = records.map((record) => (typeof record === 'string' ? record : record.body));
    this.#know(stream, first, bodies);
    records.forEach((record, index) => {
      const { messageId } = record as { messageId?: string };
      if (messageId !== undefined) this.#messageIds.set(messageId, first + index);
    });
  }

  #know(stream: string, first: number, bodies: readonly string[]): void {
    const known = this.#bodies.get(stream) ?? new Map<number, string>();
    this.#bodies.set(stream, known);
    for (const [index, body] of bodies.entries()) known.set(first + index, body);
  }

  async #delay(engine: Engine, run: number): Promise<void> {
    const bind = { stream: LATER };
    const far = [
      { body: 'far', delayMs: DAY_MS },
      { body: 'farther', deliverAt: Date.now() + DAY_MS },
      { body: 'and', delayMs: DAY_MS },
    ];
    const receipt = await engine.publish({ bind, batch: batchOf(...far) });
    for (const id of idsOf(receipt)) this.#delayed.add(id);
    if (run < 3) return;
    this.#soonAt = Date.now() + SOON_MS;
    for (let index = 0; index < 4; index++) {
      const body = `soon ${index}`;
      const when = index % 2 === 0 ? { deliverAt: this.#soonAt } : { delayMs: SOON_MS };
      const [id] = idsOf(await engine.publish({ bind, batch: batchOf({ body, ...when }) }));
      this.#soon.set(body, id!);
    }
    this.#soonAt = Date.now() + SOON_MS;
  }

  /** Acks some of what is there, nacks and keeps others; only acks are awaited and written down. */
  async #consume(engine: Engine, stream: string, group: string): Promise<void> {
    const follower = await RecordingFollower.follow(engine, { stream }, { group, credit: 40 });
    await follower.until(stream === KEYED ? 1 : 4);
    const acks: Delivery[] = [];
    const nacks: Delivery[] = [];
    for (const delivery of follower.deliveries) {
      if (this.#random.chance(0.6)) acks.push(delivery);
      else if (this.#random.chance(0.3)) nacks.push(delivery);
    }
    const stale = await follower.ack(...acks);
    if (stale.length > 0) throw new Error('an ack came too late');
    const acked = this.#acked.get(`${stream}/${group}`) ?? new Set();
    this.#acked.set(`${stream}/${group}`, acked);
    for (const { sequence } of acks) acked.add(sequence);
    await follower.nack(nacks);
    follower.close();
  }
}

function idsOf({ streams }: PublishReceipt): number[] {
  return (streams[0]?.delayed ?? []).filter((_, index) => index % 2 === 1);
}
