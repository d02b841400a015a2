import { EmbeddedEngine } from '../../src/engine/embedded-engine.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { EngineEvent } from '../../src/engine/events.ts';
import { checkFolder } from '../../src/store/sqlite/check-folder.ts';
import { batchOf, bodiesOf } from '../batches.ts';
import { type Delivery, RecordingFollower } from '../recording-follower.ts';
import { GROUPS, KEYED, LATER, LOG, STAMP, type Truth, WORK } from './fixture.ts';
import { type InProcessStore, openInProcess } from './in-process-store.ts';

/** How a broker took it that something was damaged. */
export type Outcome =
  /** It did not start, and said why. */
  | 'refused'
  /** It stopped, and said why. */
  | 'stopped'
  /** It named messages that it set aside. */
  | 'set aside'
  /** It said that the journal's end was left out. */
  | 'torn'
  /** It has everything. */
  | 'whole';

export interface Examined {
  readonly outcome: Outcome;
  /** What it said. */
  readonly said: string;
  /** Promises that do not hold. */
  readonly violations: readonly string[];
}

const DRAINED_WITHIN_MS = 10_000;
const CREDIT = 1_000_000;
const CACHE_BYTES = 64 * 1024;
/** An error is one line that says what to do, or is about a file that is none of ours any more. */
const READABLE =
  /^[^\n]*(simplemq check|is not a database of SimpleMQ|and this SimpleMQ knows versions up to|is damaged at byte \d+|is missing)[^\n]*$/;

/** Starts a broker's engine on a folder, reads all of it, and holds it against what people were told. */
export async function examine(folder: string, truth: Truth): Promise<Examined> {
  const examination = new Examination(truth);
  let opened: InProcessStore;
  try {
    opened = await openInProcess(folder);
  } catch (error) {
    const { message } = error as Error;
    const violations = READABLE.test(message) ? [] : [`it says only: ${message}`];
    return { outcome: 'refused', said: message, violations };
  }
  try {
    const engine = await EmbeddedEngine.open({
      store: opened.store,
      cacheBytesMax: CACHE_BYTES,
      streamsMax: 100,
      producerWindowMs: 1e12,
      dedupIdsMax: 1e6,
      onEvent: (event) => examination.onEvent(event),
    });
    try {
      return await examination.run(engine);
    } finally {
      await engine.close().catch(() => {});
    }
  } catch (error) {
    const message = `it could not be opened: ${(error as Error).stack}`;
    return { outcome: 'stopped', said: message, violations: [message] };
  } finally {
    opened.abandon();
  }
}

/** Whether `simplemq check` finds something, and what. */
export async function check(folder: string): Promise<{ readonly finds: boolean; readonly said: string }> {
  try {
    const { findings, tornAt } = await checkFolder({ folder });
    const lines = findings.map(({ why, stream = '', first = '' }) => `${stream} ${first} ${why}`);
    return { finds: findings.length > 0 || tornAt !== undefined, said: lines.join('; ') };
  } catch (error) {
    return { finds: true, said: (error as Error).message };
  }
}

class Examination {
  readonly #truth: Truth;
  readonly #violations: string[] = [];
  /** Messages that are named as damaged, as `stream/sequence`. */
  readonly #named = new Set<string>();
  readonly #namedDelayed = new Set<number>();
  readonly #said: string[] = [];
  #isTorn = false;
  #failure: Error | undefined;

  constructor(truth: Truth) {
    this.#truth = truth;
  }

  onEvent(event: EngineEvent): void {
    if (event.type === 'failed') this.#failure = event.error;
    else if (event.type === 'journalTorn') {
      this.#isTorn = true;
      this.#said.push(`torn at byte ${event.position} of segment ${event.segment}`);
    } else if (event.type === 'damaged') {
      const { stream, first, last, delayedId, messages, why } = event;
      this.#said.push(`${stream} ${first ?? `delayed ${delayedId}`} to ${last}, ${messages}: ${why}`);
      if (delayedId !== undefined) this.#namedDelayed.add(delayedId);
      if (first === undefined || last === undefined) return;
      if (last - first > 100_000) this.#violations.push(`it names ${first} to ${last} of ${stream}`);
      else for (let sequence = first; sequence <= last; sequence++) this.#named.add(`${stream}/${sequence}`);
    }
  }

  async run(engine: Engine): Promise<Examined> {
    try {
      await this.#untilEntered(engine);
      for (const stream of this.#truth.bodies.keys()) await this.#read(engine, stream);
      await this.#delayed(engine);
      await this.#repeat(engine);
      for (const [stream, group] of GROUPS) await this.#follow(engine, stream, group);
      for (const stream of this.#truth.bodies.keys()) await this.#goOn(engine, stream);
    } catch (error) {
      this.#failure ??= error as Error;
    }
    if (this.#failure !== undefined) {
      const { message, stack } = this.#failure;
      const isReadable = READABLE.test(message);
      if (!isReadable) this.#violations.push(`it stopped with: ${stack}`);
      this.#said.push(message);
    }
    return { outcome: this.#outcome, said: this.#said.join('; '), violations: this.#violations };
  }

  get #outcome(): Outcome {
    if (this.#failure !== undefined) return 'stopped';
    if (this.#named.size + this.#namedDelayed.size > 0) return 'set aside';
    return this.#isTorn ? 'torn' : 'whole';
  }

  /** Whether what is missing from the end on is accounted for. */
  get #isEndNamed(): boolean {
    return this.#isTorn || this.#failure !== undefined;
  }

  /** What is due is in its stream, or named. */
  async #untilEntered(engine: Engine): Promise<void> {
    const before = performance.now();
    const far = this.#truth.delayed.size;
    for (;;) {
      const { delayed = 0 } = await engine.streamInfo(LATER);
      if (delayed <= far || this.#failure !== undefined) return;
      if (performance.now() - before > DRAINED_WITHIN_MS) {
        this.#violations.push(`${delayed} messages are delayed, of which ${far} should be`);
        return;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #read(engine: Engine, stream: string): Promise<void> {
    const bodies = this.#truth.bodies.get(stream)!;
    const groups = GROUPS.filter(([of]) => of === stream).map(([, group]) => this.#acksOf(stream, group));
    const isGone = (sequence: number) => stream !== LOG && groups.every((acked) => acked.has(sequence));
    const missing = new Set([...bodies.keys()].filter((sequence) => !isGone(sequence)));
    for (let from = 1; ; ) {
      const { runs, next, more } = await engine.read({ stream, startFrom: { sequence: from } });
      for (const run of runs) {
        bodiesOf(run).forEach((body, index) => {
          this.#checkBody(stream, run.first + index, body);
          missing.delete(run.first + index);
        });
      }
      if (!more) break;
      from = next;
    }
    this.#checkMissing(stream, missing, 'is not there');
  }

  #acksOf(stream: string, group: string): ReadonlySet<number> {
    return this.#truth.acked.get(`${stream}/${group}`) ?? new Set();
  }

  #checkBody(stream: string, sequence: number, body: string): void {
    const right = this.#truth.bodies.get(stream)?.get(sequence);
    if (right !== body) this.#violations.push(`${stream} ${sequence} has the body ${body.slice(0, 40)}`);
  }

  #checkMissing(stream: string, missing: Iterable<number>, what: string): void {
    if (this.#isEndNamed) return;
    const unnamed = [...missing].filter((sequence) => !this.#named.has(`${stream}/${sequence}`));
    if (unnamed.length > 0) this.#violations.push(`${stream} ${unnamed.slice(0, 5).join(', ')} … ${what}`);
  }

  async #delayed(engine: Engine): Promise<void> {
    const ids = new Set<number>();
    const { entries } = await engine.listDelayed({ stream: LATER });
    for (const { id, messages } of entries) for (let i = 0; i < messages; i++) ids.add(id + i);
    for (const id of this.#truth.delayed) {
      const isNamed = this.#namedDelayed.has(id) || this.#isEndNamed;
      if (!ids.has(id) && !isNamed) this.#violations.push(`the delayed message ${id} is not there`);
    }
    for (const id of ids) {
      if (!this.#truth.delayed.has(id)) this.#violations.push(`a delayed message ${id} was never published`);
    }
    const entered = await engine.read({ stream: LATER, startFrom: 'first' });
    const bodies = entered.runs.flatMap(bodiesOf);
    for (const body of bodies) {
      if (!this.#truth.soon.has(body)) this.#violations.push(`${LATER} has ${body}`);
    }
    if (new Set(bodies).size !== bodies.length) this.#violations.push('a delayed message entered twice');
    for (const [body, id] of this.#truth.soon) {
      const isNamed = this.#namedDelayed.has(id) || this.#isEndNamed;
      // What enters is a batch of the stream from then on.
      if (!bodies.includes(body) && !isNamed && this.#named.size === 0)
        this.#violations.push(`${body} did not enter its stream`);
    }
  }

  /** What was published is not stored again. */
  async #repeat(engine: Engine): Promise<void> {
    const batch = batchOf('stamped');
    const again = await engine.publish({ bind: { stream: KEYED }, batch, producer: STAMP });
    const { stamped } = this.#truth;
    if (again.streams[0]?.first !== stamped.streams[0]?.first && !this.#isEndNamed)
      this.#violations.push('a publish that was sent again was stored again');
    const ids = [...this.#truth.messageIds];
    const records = ids.map(([messageId]) => ({ body: 'again', messageId }));
    const { streams } = await engine.publish({ bind: { stream: LOG }, batch: batchOf(...records) });
    const pairs = streams[0]?.duplicates ?? [];
    const told = new Map<number, number>();
    for (let i = 0; i < pairs.length; i += 2) told.set(pairs[i]!, pairs[i + 1]!);
    ids.forEach(([id, sequence], index) => {
      const known = told.get(index);
      if (known !== sequence && !this.#isEndNamed)
        this.#violations.push(`the message id '${id}' is of ${known}, not ${sequence}`);
    });
  }

  async #follow(engine: Engine, stream: string, group: string): Promise<void> {
    const bodies = this.#truth.bodies.get(stream)!;
    const acked = this.#acksOf(stream, group);
    const missing = new Set([...bodies.keys()].filter((sequence) => !acked.has(sequence)));
    const follower = new RecordingFollower();
    const acks: Promise<unknown>[] = [];
    const isEnded = new Promise<void>((resolve) => {
      follower.ended = () => resolve();
    });
    follower.onRun = (deliveries: readonly Delivery[]) => {
      for (const { sequence, body } of deliveries) {
        // What was published again for want of what was known.
        if (body !== 'again' && body !== 'stamped') this.#checkBody(stream, sequence, body);
        missing.delete(sequence);
        if (acked.has(sequence) && !this.#isEndNamed)
          this.#violations.push(`${stream} ${sequence} came back to ${group}, which had acked it`);
      }
      // In the engine's own stack nothing may be acked.
      setImmediate(() => acks.push(follower.ack(...deliveries).catch(() => {})));
    };
    await follower.start(engine, { stream }, { group });
    follower.credit(CREDIT);
    await Promise.race([this.#untilDrained(engine, stream, group), isEnded]);
    await Promise.all(acks);
    this.#checkMissing(stream, missing, `did not come to ${group}`);
    follower.close();
  }

  async #untilDrained(engine: Engine, stream: string, group: string): Promise<void> {
    const before = performance.now();
    while (this.#failure === undefined) {
      const { lag, pending } = await engine.groupInfo(stream, group);
      if (lag === 0 && pending === 0) return;
      if (performance.now() - before > DRAINED_WITHIN_MS) {
        this.#violations.push(`${group} of ${stream} is left with a lag of ${lag} and ${pending} pending`);
        return;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The stream takes more, and gives it a number that none had before; a work stream that was read has nothing left. */
  async #goOn(engine: Engine, stream: string): Promise<void> {
    const last = Math.max(...this.#truth.bodies.get(stream)!.keys());
    const before = await engine.streamInfo(stream);
    const isEmpty = stream !== LOG && GROUPS.some(([of]) => of === stream);
    if (isEmpty && before.messages !== 0)
      this.#violations.push(`${stream} has ${before.messages} messages when all are acked`);
    if (isEmpty && before.bytes !== 0)
      this.#violations.push(`${stream} has ${before.bytes} bytes when all is acked`);
    const { streams } = await engine.publish({ bind: { stream }, batch: batchOf('more') });
    const first = streams[0]!.first;
    if (first <= last && !this.#isEndNamed)
      this.#violations.push(`${stream} gives the number ${first} again`);
  }
}

export const STREAMS: readonly string[] = [LOG, WORK, KEYED];
