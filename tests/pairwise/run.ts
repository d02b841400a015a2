import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@simplemq/testkit';
import type { Engine } from '../../packages/broker/src/engine/engine.ts';
import { openEngine } from '../../packages/broker/src/engine/open-engine.ts';
import { batchOf, readBack, type TestRecord } from '../../packages/broker/test/batches.ts';
import { type Delivery, RecordingFollower, rangesOf } from '../../packages/broker/test/recording-follower.ts';
import { GroupChecker } from './checker.ts';
import type { Published } from './record.ts';
import type { Settings } from './settings.ts';
import type { Step } from './steps.ts';

const STREAM = 'in';
const OUT = 'out';
const LIMIT = 25;
const TTL_MS = 30;
/** How long what must happen may take. */
const STALLED_MS = 20_000;

interface Member {
  readonly follower: RecordingFollower;
  readonly group: GroupChecker;
  readonly held: Delivery[];
}

/** One stream with all its features in use, a random load on it, and the checkers of its groups. */
export class Run implements AsyncDisposable {
  readonly #settings: Settings;
  readonly #folder: Awaited<ReturnType<typeof temporaryFolder>>;
  #path: string;
  #folders = 0;
  #engine!: Engine;
  readonly #published = new Map<string, Published>();
  readonly #bodies = new Map<number, string>();
  readonly #groups: GroupChecker[] = [];
  #members: Member[] = [];
  #violation: Error | undefined;
  #asked: Promise<unknown>[] = [];
  #next = 1;
  /** Bodies of the other stream whose transactions were confirmed, or whose outcome a crash has hidden. */
  readonly #out = new Map<string, { sequence: number; group: GroupChecker; known: boolean }>();

  private constructor(settings: Settings, folder: Awaited<ReturnType<typeof temporaryFolder>>) {
    this.#settings = settings;
    this.#folder = folder;
    this.#path = join(folder.path, '0');
  }

  static async open(settings: Settings): Promise<Run> {
    const run = new Run(settings, await temporaryFolder());
    await run.#open();
    await run.#create();
    return run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.close();
    await this.#folder[Symbol.asyncDispose]();
  }

  async step(step: Step): Promise<void> {
    const { what, amount } = step;
    if (what === 'publish') this.#publish(amount, step.seed);
    else if (what === 'join')
      await this.#join(this.#groups[amount % this.#groups.length]!, this.#settings.credit);
    else if (what === 'leave') this.#leave(amount, step.seed % 2 === 0);
    else if (what === 'restart') await this.#restart(false);
    else if (what === 'crash') await this.#restart(true);
    else if (what === 'pause') await new Promise((resolve) => setTimeout(resolve, amount));
    else this.#settle(what, amount, step.seed);
    this.#throwViolation();
  }

  /** Faults end: followers that ack what they get take what is left, until nothing is. */
  async drain(): Promise<void> {
    for (const member of [...this.#members]) this.#release(member);
    await this.#answers();
    const deadline = performance.now() + STALLED_MS;
    for (const group of this.#groups) await this.#join(group, 1_000_000);
    for (;;) {
      for (const member of this.#members) this.#ackAll(member);
      await this.#answers();
      this.#throwViolation();
      const [{ delayed }, groups] = await Promise.all([
        this.#engine.streamInfo(STREAM),
        this.#engine.listGroups(STREAM),
      ]);
      if (delayed === 0 && groups.every(({ lag, pending }) => lag === 0 && pending === 0)) return;
      if (performance.now() > deadline) throw new Error(`it does not drain: ${JSON.stringify(groups)}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** What must be true of every message once nothing is left. */
  async checkEnd(): Promise<void> {
    const { retention, limit, startFrom, ttl } = this.#settings;
    const letters = await this.#letters();
    const mayBeGone = limit === 'drop-oldest' || limit === 'maxAge' || ttl;
    for (const group of this.#groups) {
      const bodies = new Map([...group.seen.values()].map((seen) => [seen.body, seen]));
      for (const { body, confirmed, refused, messageId } of this.#published.values()) {
        const seen = bodies.get(body);
        const isDone =
          seen?.acked === true || seen?.ackUnknown === true || letters.has(`${group.name} ${body}`);
        if (isDone || !confirmed || refused || mayBeGone) continue;
        // The first of its id may be the one that a crash took, and then stands for this one.
        if (messageId !== undefined && this.#crashed) continue;
        throw new Error(`${group.name}: '${body}' was confirmed and is lost`);
      }
    }
    const { messages } = await this.#engine.streamInfo(STREAM);
    if (retention === 'work' && startFrom === 'first' && messages !== 0)
      throw new Error(`${messages} messages are left`);
    await this.#checkIds();
    await this.#checkTransactions();
  }

  #crashed = false;

  async #open(): Promise<void> {
    this.#engine = await openEngine({
      storage: this.#settings.storage === 'memory' ? 'memory' : { path: this.#path },
      cacheBytesMax: this.#settings.credit === 3 ? 500 : 1_000_000,
    });
  }

  async #create(): Promise<void> {
    const { retention, limit } = this.#settings;
    await this.#engine.createStream(STREAM, {
      retention,
      ...(limit === 'reject' && { maxMessages: LIMIT }),
      ...(limit === 'drop-oldest' && { maxMessages: LIMIT, overflow: 'drop-oldest' }),
      ...(limit === 'maxAge' && { maxAgeMs: 60 }),
    });
    await this.#engine.createStream(OUT, { retention: 'log' });
    for (let n = 0; n < this.#settings.groups; n++) {
      const name = `group ${n}`;
      this.#groups.push(new GroupChecker(name, this.#settings, this.#published, this.#bodies));
      await this.#engine.createGroup({
        stream: STREAM,
        group: name,
        startFrom: this.#settings.startFrom,
        options: this.#groupOptions(),
      });
    }
  }

  #groupOptions(): object {
    const { ordering, keyConcurrency, exclusive, ratePerSecond, yieldEvery, deadLetterExpired } =
      this.#settings;
    const { maxDeliveries, retryMs } = this.#settings;
    const retry = { maxDeliveries, delayMs: retryMs, factor: 1, jitter: 0 };
    return { ordering, keyConcurrency, exclusive, ratePerSecond, yieldEvery, deadLetterExpired, retry };
  }

  #publish(count: number, seed: number): void {
    const now = performance.now();
    const records: TestRecord[] = [];
    const all: Published[] = [];
    for (let i = 0; i < count; i++) {
      const random = (seed >>> (i % 24)) + i;
      const attributes = this.#attributes(random);
      const body = `message ${this.#next++}`;
      records.push({ body, ...attributes });
      all.push({
        body,
        lane: attributes.priority ?? 1,
        key: attributes.key,
        messageId: attributes.messageId,
        ttlMs: attributes.ttlMs,
        notBefore: now + (attributes.delayMs ?? 0),
        order: attributes.delayMs === undefined ? this.#next : undefined,
        confirmed: false,
        refused: false,
        unknown: true,
        sequence: undefined,
      });
    }
    for (const each of all) this.#published.set(each.body, each);
    const engine = this.#engine;
    const publish = engine.publish({ bind: { stream: STREAM }, batch: batchOf(...records) }).then(
      ({ streams: [placed] }) => {
        if (engine === this.#engine) this.#confirmed(all, placed!);
      },
      (error) => {
        if (engine !== this.#engine) return;
        if (error.code !== 'StreamFull') this.#violation ??= error;
        for (const each of all) each.refused = true;
      },
    );
    this.#asked.push(publish);
  }

  #confirmed(
    all: Published[],
    { first, duplicates = [], delayed = [] }: Awaited<ReturnType<Engine['publish']>>['streams'][0],
  ): void {
    const isDuplicate = new Set(duplicates.filter((_, index) => index % 2 === 0));
    const isDelayed = new Set(delayed.filter((_, index) => index % 2 === 0));
    let sequence = first;
    all.forEach((each, index) => {
      each.confirmed = true;
      each.unknown = false;
      if (isDuplicate.has(index)) each.refused = true;
      else if (!isDelayed.has(index)) each.sequence = sequence++;
    });
  }

  #attributes(random: number): {
    priority?: number;
    key?: string;
    delayMs?: number;
    ttlMs?: number;
    messageId?: string;
  } {
    const { priorities, keys, delays, ttl, messageIds } = this.#settings;
    return {
      ...(priorities && random % 3 === 0 && { priority: random % 4 }),
      ...(keys && random % 4 !== 0 && { key: `key ${random % 3}` }),
      ...(delays && random % 5 === 0 && { delayMs: random % 7 }),
      ...(ttl && random % 3 === 1 && { ttlMs: TTL_MS }),
      ...(messageIds && random % 2 === 0 && { messageId: `id ${random % 40}` }),
    };
  }

  async #join(group: GroupChecker, credit: number): Promise<void> {
    const follower = new RecordingFollower();
    const member: Member = { follower, group, held: [] };
    const engine = this.#engine;
    follower.onRun = (deliveries) => {
      // What an engine still does whose files were copied is its own affair.
      if (engine !== this.#engine) return;
      const { time } = follower.runs[follower.runs.length - 1]!;
      for (const delivery of deliveries) {
        try {
          group.delivered(member, delivery, time);
        } catch (error) {
          this.#violation ??= error as Error;
        }
        member.held.push(delivery);
      }
    };
    await follower.start(this.#engine, { stream: STREAM }, { group: group.name, credit, leaseMs: 60_000 });
    this.#members.push(member);
  }

  #leave(which: number, isLost: boolean): void {
    const [member] = this.#members.splice(which % Math.max(1, this.#members.length), 1);
    if (member === undefined) return;
    // What comes back comes in this stack.
    for (const delivery of member.held.splice(0)) this.#letGo(member, delivery, 1);
    if (isLost) member.follower.engineFollower.lose();
    else member.follower.engineFollower.close();
  }

  #settle(what: 'ack' | 'nack' | 'reject' | 'release' | 'transaction', amount: number, seed: number): void {
    const member = this.#members[seed % Math.max(1, this.#members.length)];
    if (member === undefined) return;
    const settled = member.held.splice(0, amount);
    const { engineFollower } = member.follower;
    if (settled.length > 0) {
      const ranges = rangesOf(settled);
      if (what === 'ack') this.#ack(member, settled, () => engineFollower.ack(ranges));
      else if (what === 'transaction') this.#transaction(member, settled);
      else if (what === 'nack') {
        for (const each of settled) this.#letGo(member, each, 1);
        this.#ask(engineFollower.nack(ranges, { reason: 'a reason' }));
      } else if (what === 'reject') {
        for (const each of settled) this.#letGo(member, each, 1);
        this.#ask(engineFollower.reject(ranges, { reason: 'a reason' }));
      } else {
        for (const each of settled) this.#letGo(member, each, 0);
        this.#ask(engineFollower.release(ranges));
      }
    }
    member.follower.credit(Math.max(1, settled.length));
  }

  #ack(member: Member, settled: readonly Delivery[], ask: () => Promise<readonly unknown[]>): void {
    const entries = settled.map(({ sequence }) => member.group.seen.get(sequence)!);
    for (const entry of entries) {
      entry.holder = undefined;
      entry.ackUnknown = true;
    }
    const engine = this.#engine;
    this.#ask(
      ask().then((stale) => {
        // What a limit has trimmed meanwhile is stale.
        if (engine !== this.#engine || stale.length > 0) return stale;
        for (const entry of entries) entry.acked = true;
        return stale;
      }),
    );
  }

  #transaction(member: Member, settled: readonly Delivery[]): void {
    const bodies = settled.map(({ body }) => `${body} by ${member.group.name}`);
    settled.forEach(({ sequence }, index) => {
      this.#out.set(bodies[index]!, { sequence, group: member.group, known: false });
    });
    const entries = settled.map(({ sequence }) => member.group.seen.get(sequence)!);
    for (const entry of entries) {
      entry.holder = undefined;
      entry.ackUnknown = true;
    }
    const engine = this.#engine;
    const transaction = engine.transaction({
      publishes: [{ bind: { stream: OUT }, batch: batchOf(...bodies) }],
      acks: [{ follower: member.follower.engineFollower, entries: rangesOf(settled) }],
    });
    this.#ask(
      transaction.then(
        () => {
          if (engine !== this.#engine) return;
          for (const entry of entries) entry.acked = true;
          for (const body of bodies) this.#out.get(body)!.known = true;
        },
        (error) => {
          if (engine !== this.#engine) return;
          // A limit has trimmed some of them: nothing was done, and the others are still held.
          if (error.code !== 'StaleAck') throw error;
          for (const body of bodies) this.#out.delete(body);
          for (const entry of entries) {
            entry.ackUnknown = false;
            entry.holder = member;
          }
          member.held.push(...settled);
        },
      ),
    );
  }

  #letGo({ group }: Member, { sequence, attempt }: Delivery, attempts: 0 | 1): void {
    const entry = group.seen.get(sequence)!;
    entry.holder = undefined;
    entry.attempt = attempt + attempts;
  }

  #release(member: Member): void {
    this.#members.splice(this.#members.indexOf(member), 1);
    for (const delivery of member.held.splice(0)) this.#letGo(member, delivery, 0);
    // Its settlements stand in for closing it: what it has not settled comes back one attempt further.
    member.follower.engineFollower.close();
  }

  #ackAll(member: Member): void {
    const settled = member.held.splice(0);
    if (settled.length > 0)
      this.#ack(member, settled, () => member.follower.engineFollower.ack(rangesOf(settled)));
  }

  #ask(request: Promise<unknown>): void {
    const engine = this.#engine;
    const told = request.catch((error) => {
      if (engine === this.#engine) this.#violation ??= error;
    });
    this.#asked.push(told);
  }

  async #answers(): Promise<void> {
    await Promise.all(this.#asked.splice(0));
  }

  async #restart(isCrash: boolean): Promise<void> {
    if (this.#settings.storage === 'memory') return;
    if (isCrash) {
      // Behind this everything is stored that was confirmed before; what is asked for meanwhile may be.
      await this.#engine.createStream(OUT, { retention: 'log' });
      await this.#copy();
    } else await this.#answers();
    const old = this.#engine;
    if (!isCrash) await old.close();
    for (const { group, held } of this.#members) {
      for (const { sequence } of held) group.seen.get(sequence)!.holder = undefined;
    }
    this.#members = [];
    this.#crashed ||= isCrash;
    for (const group of this.#groups) group.restarted();
    this.#asked = [];
    if (isCrash) this.#engine = undefined as unknown as Engine;
    await this.#open();
    if (isCrash) await old.close();
  }

  async #copy(): Promise<void> {
    const path = join(this.#folder.path, String(++this.#folders));
    mkdirSync(path);
    for (const file of ['simplemq.db', 'simplemq.db-wal']) {
      if (existsSync(join(this.#path, file))) copyFileSync(join(this.#path, file), join(path, file));
    }
    this.#path = path;
  }

  #throwViolation(): void {
    if (this.#violation !== undefined) throw this.#violation;
  }

  /** Each dead letter as its group and body; the attempts of each are checked. */
  async #letters(): Promise<Set<string>> {
    const letters = new Set<string>();
    for (let after = 0, more = true; more; ) {
      const page = await this.#engine.deadLetters({ stream: STREAM, after });
      for (const run of page.runs) {
        const [{ body, attributes }] = readBack(run) as [ReturnType<typeof readBack>[0]];
        const { group, cause, attempts } = attributes.dead!;
        const key = `${group} ${body}`;
        if (letters.has(key)) throw new Error(`${key} is a dead letter twice`);
        letters.add(key);
        const numbers = attempts.map(({ attempt }) => attempt);
        const isRising = numbers.every((number, index) => index === 0 || number > numbers[index - 1]!);
        const isWhole =
          this.#crashed || cause !== 'maxDeliveries' || attempts.length === this.#settings.maxDeliveries;
        if (!isRising || !isWhole) throw new Error(`${key} has the attempts ${numbers} and died by ${cause}`);
      }
      after = page.next - 1;
      more = page.more;
    }
    return letters;
  }

  /** A message id is of one message. */
  async #checkIds(): Promise<void> {
    const bodyOf = new Map<string, string>();
    for (const body of this.#bodies.values()) {
      const id = this.#published.get(body)!.messageId;
      if (id === undefined) continue;
      const other = bodyOf.get(id);
      if (other !== undefined && other !== body) throw new Error(`'${body}' and '${other}' have one id`);
      bodyOf.set(id, body);
    }
  }

  /** A transaction's message is there once, and its ack with it; or neither is. */
  async #checkTransactions(): Promise<void> {
    const found = new Set<string>();
    for (let sequence = 1, more = true; more; ) {
      const page = await this.#engine.read({ stream: OUT, startFrom: { sequence } });
      for (const { body } of page.runs.flatMap((run) => readBack(run))) {
        if (found.has(body)) throw new Error(`'${body}' is there twice`);
        found.add(body);
      }
      sequence = page.next;
      more = page.more;
    }
    for (const [body, { known }] of this.#out) {
      if (known && !found.has(body))
        throw new Error(`the transaction of '${body}' was confirmed and is lost`);
    }
  }
}
