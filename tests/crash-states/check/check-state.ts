import type { Engine, PlacedBatch, ProducerStamp } from '@simplemq/broker';
import {
  BatchBuilder,
  decodeBatch,
  encodeAttributes,
  type RecordBatch,
  SimpleMQError,
} from '@simplemq/protocol';
import type { Random } from '../../fuzz/random.ts';
import { bodyOf } from '../trace/body.ts';
import type { AnsweredPublishes, Knowledge } from '../trace/knowledge.ts';
import { type KnownStream, mayBeGone, type Told } from '../trace/known-stream.ts';
import { checkGroups, checkPurge, checkSchedules, checkTicks } from './check-administration.ts';
import { checkLetters, isElsewhere } from './check-letters.ts';
import { checkTransactions } from './check-transactions.ts';
import type { OpenBroker, OpenedBroker } from './in-thread-store.ts';
import { type Sight, see } from './sight.ts';
import type { Rule, Violation } from './violation.ts';

/** Of so many states one is closed in good order and opened once more. */
const REOPEN_EVERY = 6;
/** A commit that is scheduled is done after so many turns. */
const COMMIT_TURNS = 3;
/** Message ids of a stream that are published again. */
const IDS_TRIED = 2;

/** Opens a broker on a state that a crash left, and holds it against what was told before. */
export async function checkState(
  folder: string,
  open: OpenBroker,
  knowledge: Knowledge,
  random: Random,
): Promise<Violation[]> {
  const check = new Check(knowledge, random);
  await check.run(folder, open);
  if (check.violations.length === 0 && random.below(REOPEN_EVERY) === 0) await check.run(folder, open);
  return check.violations;
}

class Check {
  readonly violations: Violation[] = [];
  readonly #knowledge: Knowledge;
  readonly #random: Random;
  /** What this check itself published and was told of, by stream. */
  readonly #own = new Map<string, Map<number, string>>();
  #runs = 0;

  constructor(knowledge: Knowledge, random: Random) {
    this.#knowledge = knowledge;
    this.#random = random;
  }

  async run(folder: string, open: OpenBroker): Promise<void> {
    let broker: OpenedBroker;
    try {
      broker = await open(folder);
    } catch (error) {
      this.#broken('opens', (error as Error).message);
      return;
    }
    this.#runs++;
    try {
      await this.#look(broker.engine);
    } catch (error) {
      this.#broken(
        'goesOn',
        error instanceof SimpleMQError ? `${error.code}: ${error.message}` : String(error),
      );
    }
    try {
      await broker.close('stop');
    } catch (error) {
      this.#broken('goesOn', `it does not close: ${(error as Error).message}`);
    }
  }

  async #look(engine: Engine): Promise<void> {
    const schedules = await engine.listSchedules();
    // One that published meanwhile, for a time that had passed, has its message on the stream after that.
    for (let turn = 0; turn < COMMIT_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
    const { streams } = await engine.listStreams({});
    const names = new Set(streams.map(({ name }) => name));
    const sights = new Map<string, Sight>();
    for (const stream of this.#knowledge.streams.values()) {
      const isThere = names.has(stream.name);
      if (stream.state === 'there' && !isThere) this.#broken('streams', `${stream.name} is missing`);
      if (stream.state === 'deleted' && isThere) this.#broken('streams', `${stream.name} was deleted`);
      if (!isThere || stream.state === 'to be deleted' || stream.state === 'deleted') continue;
      const sight = await see(engine, stream);
      sights.set(stream.name, sight);
      this.#lookAt(stream, sight);
      this.violations.push(...checkTicks(schedules, stream, sight));
    }
    this.#lookForParts(sights);
    this.violations.push(
      ...checkTransactions(this.#knowledge.transactions.values(), sights),
      ...checkSchedules(this.#knowledge, schedules),
    );
    await this.#sendAgain(engine);
    for (const name of sights.keys()) await this.#goOn(engine, this.#knowledge.streams.get(name)!);
  }

  #lookAt(stream: KnownStream, sight: Sight): void {
    const { contents } = sight;
    for (const [id, told] of stream.told) this.#lookFor(stream, id, told, sight);
    for (const [sequence, id] of stream.places) this.#lookForPlaced(stream, sequence, id, sight);
    for (const [sequence, { id, crc }] of contents) this.#lookFrom(stream, sequence, id, crc, sight);
    const isKept = (sequence: number): boolean => !mayBeGone(stream, sequence, sight.highest);
    for (const [id, { stream: name, sequence }] of this.#knowledge.added) {
      if (name !== stream.name || sequence === undefined || contents.get(sequence)?.id === id) continue;
      if (isKept(sequence))
        this.#broken('lost', `${name} ${sequence} is not ${id}, which was confirmed after a crash before`);
    }
    for (const [sequence, id] of this.#own.get(stream.name) ?? []) {
      if (contents.get(sequence)?.id === id || !isKept(sequence)) continue;
      this.#broken('lost', `${stream.name} ${sequence} is not ${id}`);
    }
    this.#lookAtGroups(stream, sight);
    this.violations.push(
      ...checkLetters(stream, sight),
      ...checkGroups(stream, sight),
      ...checkPurge(stream, sight),
    );
  }

  /** A message of which something was told. */
  #lookFor(stream: KnownStream, id: string, told: Told, sight: Sight): void {
    const { name } = stream;
    const sequence = sight.byId.get(id);
    if (told.kind === 'duplicate') {
      if (sequence !== undefined) this.#broken('dedup', `${name} ${sequence} is ${id}, a duplicate`);
    } else if (told.kind === 'delayed') {
      if (sequence !== undefined || sight.delayed.has(told.delayedId)) return;
      const place = [...stream.places].find(([, at]) => at === id)?.[0];
      if (place !== undefined && mayBeGone(stream, place, sight.highest)) return;
      this.#broken('delayed', `${name} has not ${id}, delayed ${told.delayedId}`);
    }
  }

  /** A message that was confirmed, or delivered, which it is only when it is durable. */
  #lookForPlaced(stream: KnownStream, sequence: number, id: string, sight: Sight): void {
    if (sight.contents.get(sequence)?.id === id || mayBeGone(stream, sequence, sight.highest)) return;
    if (isElsewhere(stream, id, sight)) return;
    const told = stream.told.get(id);
    const what = told?.kind === 'stored' && told.sequence === sequence ? 'confirmed' : 'delivered';
    this.#broken('lost', `${stream.name} ${sequence} is not ${id}, which was ${what}`);
  }

  /** A message that is there. */
  #lookFrom(stream: KnownStream, sequence: number, id: string, crc: number, { byId }: Sight): void {
    const { name } = stream;
    const where = `${name} ${sequence} is ${id}`;
    const isAgain = byId.get(id) !== sequence && !this.#knowledge.scheduled.has(id);
    if (isAgain) this.#broken('foreign', `${where}, and so is ${byId.get(id)}`);
    if (this.#own.get(name)?.get(sequence) === id) return;
    if (this.#knowledge.added.get(id)?.stream === name) return;
    const sent = this.#knowledge.messages.get(id);
    if (sent === undefined || !stream.sent.has(id))
      this.#broken('foreign', `${where}, which nobody published`);
    else if (sent.crc !== crc) this.#broken('lost', `${where} with another body`);
    const known = stream.places.get(sequence);
    if (known !== undefined && known !== id) this.#broken('sequence', `${where} and was ${known}`);
  }

  #lookAtGroups({ name, groups }: KnownStream, { contents, gets, dead }: Sight): void {
    for (const [group, sequences] of gets) {
      const known = groups.get(group)!;
      for (const sequence of known.ackAnswered) {
        if (sequences.has(sequence)) this.#broken('again', `${name} ${sequence} is delivered to ${group}`);
      }
      for (const [sequence, { id }] of contents) {
        if (sequences.has(sequence) || known.ackReceived.has(sequence)) continue;
        if (sequence < known.start || dead.has(id)) continue;
        this.#broken('lost', `${name} ${sequence} (${id}) is not delivered to ${group}`);
      }
    }
  }

  #lookForParts(sights: ReadonlyMap<string, Sight>): void {
    const seen = new Map<string, string[]>();
    for (const [name, { contents }] of sights) {
      for (const { id } of contents.values()) {
        if (this.#knowledge.messages.get(id)?.pattern === undefined) continue;
        const on = seen.get(id) ?? [];
        on.push(name);
        seen.set(id, on);
      }
    }
    for (const [id, on] of seen) {
      const to = [...this.#knowledge.streams.values()].filter(({ sent }) => sent.has(id));
      if (on.length !== to.length)
        this.#broken('inPart', `${id} is on ${on.join(', ')} of ${to.length} streams`);
    }
  }

  /** What was answered, sent once more, gets the answer that it had. */
  async #sendAgain(engine: Engine): Promise<void> {
    for (const { producer, settled, last } of this.#knowledge.resendable()) {
      const { number, publishes } = last;
      const had = publishes.flatMap(({ placed }) => placed);
      if (had.some(({ stream }) => this.#knowledge.streams.get(stream)?.state !== 'there')) continue;
      const got = await publishAgain(engine, last, { id: producer, number, settled });
      const texts = [had, got].map((placed) => placed.map(({ stream, first }) => `${stream} ${first}`));
      const [before, now] = texts.map((each) => each.join(', '));
      if (before !== now) this.#broken('dedup', `what was sent as ${number} got ${now}, and had ${before}`);
    }
  }

  async #goOn(engine: Engine, stream: KnownStream): Promise<void> {
    const { name } = stream;
    const messageIds = [...stream.messageIds];
    for (let i = 0; i < IDS_TRIED && messageIds.length > 0; i++) {
      const [messageId, id] = this.#random.pick(messageIds);
      const { streams } = await engine.publish({
        bind: { stream: name },
        batch: batchOf('again', messageId),
      });
      const duplicates = streams[0]?.duplicates;
      const told = stream.told.get(id);
      const isRight = told?.kind !== 'stored' || duplicates?.[1] === told.sequence;
      if (duplicates === undefined || !isRight) {
        this.#broken('dedup', `${name}: message id ${messageId} of ${id} got ${JSON.stringify(streams[0])}`);
      }
    }
    const own = this.#own.get(name) ?? new Map<number, string>();
    this.#own.set(name, own);
    const id = `check-${this.#runs}`;
    const { streams } = await engine.publish({ bind: { stream: name }, batch: batchOf(id) });
    const sequence = streams[0]!.first;
    const highest = Math.max(stream.highest, ...own.keys(), this.#highestAdded(name));
    if (sequence <= highest) this.#broken('sequence', `${name} goes on with ${sequence}, after ${highest}`);
    own.set(sequence, id);
  }

  #highestAdded(name: string): number {
    const added = [...this.#knowledge.added.values()].filter(({ stream }) => stream === name);
    return Math.max(0, ...added.map(({ sequence = 0 }) => sequence));
  }

  #broken(rule: Rule, text: string): void {
    this.violations.push({ rule, text });
  }
}

async function publishAgain(
  engine: Engine,
  { isTransaction, publishes }: AnsweredPublishes,
  producer: ProducerStamp,
): Promise<readonly PlacedBatch[]> {
  if (isTransaction) {
    const receipt = await engine.transaction({ publishes, acks: [], producer });
    return receipt.publishes.flat();
  }
  const { bind, batch } = publishes[0]!;
  return (await engine.publish({ bind, batch, producer })).streams;
}

export function batchOf(id: string, messageId?: string): RecordBatch {
  const builder = new BatchBuilder();
  const attributes = messageId === undefined ? undefined : encodeAttributes({ messageId });
  builder.append(bodyOf(id, 0), true, attributes);
  return decodeBatch(builder.finish());
}
