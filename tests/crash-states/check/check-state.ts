import type { Engine } from '@simplemq/broker';
import {
  BatchBuilder,
  decodeBatch,
  encodeAttributes,
  type RecordBatch,
  SimpleMQError,
} from '@simplemq/protocol';
import type { Random } from '../../fuzz/random.ts';
import { bodyOf } from '../trace/body.ts';
import type { Knowledge, KnownStream, Told } from '../trace/knowledge.ts';
import { type Contents, delayedIds, deliverable, readAll } from './contents.ts';
import type { OpenBroker, OpenedBroker } from './in-thread-store.ts';
import type { Rule, Violation } from './violation.ts';

/** Of so many states one is closed in good order and opened once more. */
const REOPEN_EVERY = 6;
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
    const { streams } = await engine.listStreams({});
    const names = new Set(streams.map(({ name }) => name));
    const all = new Map<string, Contents>();
    for (const stream of this.#knowledge.streams.values()) {
      const isThere = names.has(stream.name);
      if (stream.state === 'there' && !isThere) this.#broken('streams', `${stream.name} is missing`);
      if (stream.state === 'deleted' && isThere) this.#broken('streams', `${stream.name} was deleted`);
      if (!isThere || stream.state === 'to be deleted' || stream.state === 'deleted') continue;
      all.set(stream.name, await this.#lookAt(engine, stream));
    }
    this.#lookForParts(all);
    await this.#sendAgain(engine);
    for (const name of all.keys()) await this.#goOn(engine, this.#knowledge.streams.get(name)!);
  }

  async #lookAt(engine: Engine, stream: KnownStream): Promise<Contents> {
    // What becomes due in between is on the stream, then.
    const delayed = await delayedIds(engine, stream.name);
    const contents = await readAll(engine, stream.name);
    const byId = new Map([...contents].map(([sequence, { id }]) => [id, sequence]));
    for (const [id, told] of stream.told) this.#lookFor(stream, id, told, contents, byId, delayed);
    for (const [sequence, message] of contents)
      this.#lookFrom(stream, sequence, message.id, message.crc, byId);
    for (const [id, { stream: name, sequence }] of this.#knowledge.added) {
      if (name === stream.name && sequence !== undefined && contents.get(sequence)?.id !== id) {
        this.#broken('lost', `${name} ${sequence} is not ${id}, which was confirmed after a crash before`);
      }
    }
    for (const [sequence, id] of this.#own.get(stream.name) ?? []) {
      if (contents.get(sequence)?.id !== id) this.#broken('lost', `${stream.name} ${sequence} is not ${id}`);
    }
    await this.#lookAtGroups(engine, stream, contents);
    return contents;
  }

  /** A message of which something was told. */
  #lookFor(
    stream: KnownStream,
    id: string,
    told: Told,
    contents: Contents,
    byId: ReadonlyMap<string, number>,
    delayed: ReadonlySet<number>,
  ): void {
    const { name } = stream;
    const sequence = byId.get(id);
    if (told.kind === 'duplicate') {
      if (sequence !== undefined) this.#broken('dedup', `${name} ${sequence} is ${id}, a duplicate`);
    } else if (told.kind === 'stored') {
      if (contents.get(told.sequence)?.id === id || isDone(stream, told.sequence)) return;
      this.#broken('lost', `${name} ${told.sequence} is not ${id}, which was confirmed`);
    } else {
      if (sequence !== undefined || delayed.has(told.delayedId)) return;
      const place = [...stream.places].find(([, at]) => at === id)?.[0];
      if (place !== undefined && isDone(stream, place)) return;
      this.#broken('delayed', `${name} has not ${id}, delayed ${told.delayedId}`);
    }
  }

  /** A message that is there. */
  #lookFrom(
    stream: KnownStream,
    sequence: number,
    id: string,
    crc: number,
    byId: ReadonlyMap<string, number>,
  ): void {
    const { name } = stream;
    const where = `${name} ${sequence} is ${id}`;
    if (byId.get(id) !== sequence) this.#broken('foreign', `${where}, and so is ${byId.get(id)}`);
    if (this.#own.get(name)?.get(sequence) === id) return;
    if (this.#knowledge.added.get(id)?.stream === name) return;
    const sent = this.#knowledge.messages.get(id);
    if (sent === undefined || !stream.sent.has(id))
      this.#broken('foreign', `${where}, which nobody published`);
    else if (sent.crc !== crc) this.#broken('lost', `${where} with another body`);
    const known = stream.places.get(sequence);
    if (known !== undefined && known !== id) this.#broken('sequence', `${where} and was ${known}`);
  }

  async #lookAtGroups(engine: Engine, stream: KnownStream, contents: Contents): Promise<void> {
    const groups = await engine.listGroups(stream.name);
    for (const { name: group } of groups) {
      const known = stream.groups.get(group);
      if (known === undefined) continue;
      const gets = await deliverable(engine, stream.name, group);
      for (const sequence of known.ackAnswered) {
        if (gets.has(sequence)) this.#broken('again', `${stream.name} ${sequence} is delivered to ${group}`);
      }
      for (const [sequence, { id }] of contents) {
        if (gets.has(sequence) || known.ackReceived.has(sequence)) continue;
        this.#broken('lost', `${stream.name} ${sequence} (${id}) is not delivered to ${group}`);
      }
    }
  }

  #lookForParts(all: ReadonlyMap<string, Contents>): void {
    const seen = new Map<string, string[]>();
    for (const [name, contents] of all) {
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

  /** Publishes that were answered, sent once more, get the answer that they had. */
  async #sendAgain(engine: Engine): Promise<void> {
    for (const { producer, settled, publish } of this.#knowledge.resendable()) {
      const { number, batch, stream, first } = publish;
      if (this.#knowledge.streams.get(stream)?.state !== 'there') continue;
      const { streams } = await engine.publish({
        bind: { stream },
        batch,
        producer: { id: producer, number, settled },
      });
      if (streams[0]?.first === first) continue;
      this.#broken('dedup', `publish ${number} to ${stream} got ${streams[0]?.first}, and had ${first}`);
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

/** Whether every group of the stream may have acked it: then it may be gone. */
function isDone({ groups }: KnownStream, sequence: number): boolean {
  return groups.size > 0 && [...groups.values()].every(({ ackReceived }) => ackReceived.has(sequence));
}

export function batchOf(id: string, messageId?: string): RecordBatch {
  const builder = new BatchBuilder();
  const attributes = messageId === undefined ? undefined : encodeAttributes({ messageId });
  builder.append(bodyOf(id, 0), true, attributes);
  return decodeBatch(builder.finish());
}
