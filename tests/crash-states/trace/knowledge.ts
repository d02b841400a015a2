import { crc32 } from 'node:zlib';
import {
  type ConfirmedStream,
  decodeAck,
  decodeAttributes,
  decodeConfirm,
  decodeCreateStream,
  decodeDeleteStream,
  decodeDeliver,
  decodeFollow,
  decodeFollowing,
  decodeHello,
  decodePublish,
  decodeSettled,
  type Frame,
  FrameDecoder,
  Opcode,
  type RecordBatch,
  readRecord,
  type StreamRanges,
} from '@simplemq/protocol';
import { idOf } from './body.ts';
import type { Operation } from './operations.ts';

/** A message that the broker has been sent. */
export interface SentMessage {
  readonly id: string;
  readonly crc: number;
  readonly messageId: string | undefined;
  readonly isDelayed: boolean;
  /** Of the publish: its bind as text, to tell whether it went to several streams. */
  readonly pattern: string | undefined;
}

/** What clients were told of a message on a stream. */
export type Told =
  | { readonly kind: 'stored'; readonly sequence: number }
  | { readonly kind: 'delayed'; readonly delayedId: number }
  /** Another message of its id is there already: `sequence`, or 0 when that one is delayed. */
  | { readonly kind: 'duplicate'; readonly sequence: number };

export interface KnownGroup {
  /** Sequence numbers whose ack was received, and whose ack was answered. */
  readonly ackReceived: Set<number>;
  readonly ackAnswered: Set<number>;
}

/** What is known of a stream from its creation to its deletion. */
export interface KnownStream {
  readonly name: string;
  state: 'asked for' | 'there' | 'to be deleted' | 'deleted';
  /** By the id of the message. */
  readonly told: Map<string, Told>;
  /** What was published to it by name or pattern. */
  readonly sent: Set<string>;
  /** By sequence number, the id of the message. */
  readonly places: Map<number, string>;
  highest: number;
  readonly groups: Map<string, KnownGroup>;
  /** By message id, the message that has it. */
  readonly messageIds: Map<string, string>;
}

/** A publish that the broker has answered and may be sent again. */
export interface AnsweredPublish {
  readonly number: number;
  readonly stream: string;
  readonly batch: RecordBatch;
  readonly first: number;
}

/** A producer, as far as it may send again. */
interface KnownProducer {
  settled: number;
  readonly answered: Map<number, AnsweredPublish>;
}

interface ReceivedPublish {
  readonly kind: 'publish';
  readonly number: number;
  readonly batch: RecordBatch;
  readonly ids: readonly string[];
}

type Request =
  | ReceivedPublish
  | { readonly kind: 'createStream' | 'deleteStream'; readonly stream: KnownStream }
  | { readonly kind: 'follow'; readonly stream: string; readonly group: string }
  | { readonly kind: 'ack'; readonly group: string; readonly entries: readonly StreamRanges[] };

interface Conversation {
  readonly received: FrameDecoder;
  readonly sent: FrameDecoder;
  readonly requests: Map<number, Request>;
  /** By follower, its group. */
  readonly groups: Map<number, string>;
  producer: string;
}

const DEFAULT_GROUP = 'workers';

/** What clients asked of the broker and were told by it, up to some operation of its log. */
export class Knowledge {
  readonly messages: Map<string, SentMessage> = new Map();
  /** By name; of a name that was used again, the newest. */
  readonly streams: Map<string, KnownStream> = new Map();
  readonly producers: Map<string, KnownProducer> = new Map();
  /** Messages that a process that recovered published to these streams, and their places as far as they were told. */
  readonly added: Map<string, { readonly stream: string; sequence: number | undefined }> = new Map();
  /** Goes up whenever more is known. */
  version = 0;
  confirms = 0;
  acks = 0;
  readonly #conversations = new Map<number, Conversation>();

  apply(operation: Operation): void {
    if (operation.kind === 'start') this.#conversations.clear();
    else if (operation.kind === 'accept') this.#conversations.set(operation.descriptor, newConversation());
    else if (operation.kind === 'receive') this.#received(operation.descriptor, operation.bytes);
    else if (operation.kind === 'send') this.#sent(operation.descriptor, operation.bytes);
  }

  /** Of each producer the publish that was answered last, if it may still be sent again. */
  resendable(): { producer: string; settled: number; publish: AnsweredPublish }[] {
    return [...this.producers].flatMap(([producer, { settled, answered }]) => {
      const publish = [...answered.values()].at(-1);
      return publish === undefined ? [] : [{ producer, settled, publish }];
    });
  }

  #received(descriptor: number, bytes: Buffer): void {
    const conversation = this.#conversations.get(descriptor)!;
    conversation.received.push(bytes, (frame) => {
      this.version++;
      this.#request(conversation, frame);
      return true;
    });
  }

  #sent(descriptor: number, bytes: Buffer): void {
    const conversation = this.#conversations.get(descriptor)!;
    conversation.sent.push(bytes, (frame) => {
      this.version++;
      if (frame.opcode === Opcode.Deliver) this.#delivered(frame.payload);
      const request = conversation.requests.get(frame.requestId);
      conversation.requests.delete(frame.requestId);
      if (request !== undefined && frame.opcode !== Opcode.Error)
        this.#answered(conversation, request, frame);
      return true;
    });
  }

  #request(conversation: Conversation, { opcode, requestId, payload }: Frame): void {
    const { requests } = conversation;
    switch (opcode) {
      case Opcode.Hello:
        conversation.producer = Buffer.from(decodeHello(payload).producer).toString('hex');
        return;
      case Opcode.CreateStream: {
        const { stream: name } = decodeCreateStream(payload);
        const before = this.streams.get(name);
        const stream = before === undefined || before.state === 'deleted' ? newStream(name) : before;
        this.streams.set(name, stream);
        requests.set(requestId, { kind: 'createStream', stream });
        return;
      }
      case Opcode.DeleteStream: {
        const stream = this.streams.get(decodeDeleteStream(payload).stream)!;
        stream.state = 'to be deleted';
        requests.set(requestId, { kind: 'deleteStream', stream });
        return;
      }
      case Opcode.Publish: {
        requests.set(requestId, this.#published(conversation, payload));
        return;
      }
      case Opcode.Follow: {
        const { bind, group = DEFAULT_GROUP } = decodeFollow(payload);
        const stream = 'stream' in bind ? bind.stream : '';
        groupOf(this.streams.get(stream)!, group);
        requests.set(requestId, { kind: 'follow', stream, group });
        return;
      }
      case Opcode.Ack: {
        const { follower, entries } = decodeAck(payload);
        const group = conversation.groups.get(follower)!;
        for (const [stream, sequence] of spelledOut(entries)) {
          groupOf(this.streams.get(stream)!, group).ackReceived.add(sequence);
        }
        requests.set(requestId, { kind: 'ack', group, entries });
      }
    }
  }

  #published({ producer }: Conversation, payload: Buffer): ReceivedPublish {
    const { bind, number, settled, batch } = decodePublish(payload);
    const known = this.producers.get(producer) ?? { settled: 0, answered: new Map() };
    this.producers.set(producer, known);
    known.settled = Math.max(known.settled, settled);
    for (const answered of known.answered.keys()) if (answered <= settled) known.answered.delete(answered);
    const pattern = 'pattern' in bind ? bind.pattern : undefined;
    const targets = 'stream' in bind ? [bind.stream] : this.#matching(bind.pattern);
    const ids: string[] = [];
    for (const message of messagesOf(batch, pattern)) {
      ids.push(message.id);
      this.messages.set(message.id, message);
      for (const target of targets) this.streams.get(target)?.sent.add(message.id);
    }
    return { kind: 'publish', number, batch, ids };
  }

  #matching(pattern: string): string[] {
    const expression = new RegExp(pattern);
    return [...this.streams.keys()].filter((name) => expression.test(name));
  }

  #answered(conversation: Conversation, request: Request, { payload, opcode }: Frame): void {
    switch (request.kind) {
      case 'createStream':
        if (request.stream.state === 'asked for') request.stream.state = 'there';
        return;
      case 'deleteStream':
        request.stream.state = 'deleted';
        return;
      case 'publish':
        this.#confirmed(conversation.producer, request, decodeConfirm(payload).streams);
        return;
      case 'follow':
        conversation.groups.set(decodeFollowing(payload).follower, request.group);
        return;
      case 'ack':
        if (opcode === Opcode.Acked)
          this.#acked(request.group, request.entries, decodeSettled(payload).stale);
    }
  }

  #confirmed(producer: string, publish: ReceivedPublish, streams: readonly ConfirmedStream[]): void {
    this.confirms++;
    for (const confirmed of streams) {
      const stream = this.streams.get(confirmed.stream)!;
      for (const [index, told] of toldOf(confirmed, publish.ids.length).entries()) {
        const id = publish.ids[index]!;
        stream.told.set(id, told);
        const { messageId } = this.messages.get(id)!;
        if (messageId !== undefined && told.kind !== 'duplicate') stream.messageIds.set(messageId, id);
        if (told.kind === 'stored') place(stream, told.sequence, id);
      }
    }
    const [only] = streams;
    if (streams.length !== 1 || only === undefined) return;
    const { number, batch } = publish;
    const answered = { number, batch, stream: only.stream, first: only.first };
    this.producers.get(producer)!.answered.set(number, answered);
  }

  #acked(group: string, entries: readonly StreamRanges[], stale: readonly StreamRanges[]): void {
    this.acks++;
    const late = new Set([...spelledOut(stale)].map(([stream, sequence]) => `${stream} ${sequence}`));
    for (const [stream, sequence] of spelledOut(entries)) {
      if (late.has(`${stream} ${sequence}`)) continue;
      groupOf(this.streams.get(stream)!, group).ackAnswered.add(sequence);
    }
  }

  #delivered(payload: Buffer): void {
    const { stream, first, batch } = decodeDeliver(payload);
    let sequence = first;
    for (const { id } of messagesOf(batch, undefined)) place(this.streams.get(stream)!, sequence++, id);
  }
}

function place(stream: KnownStream, sequence: number, id: string): void {
  stream.places.set(sequence, id);
  stream.highest = Math.max(stream.highest, sequence);
}

export function groupOf({ groups }: KnownStream, name: string): KnownGroup {
  const known = groups.get(name) ?? { ackReceived: new Set(), ackAnswered: new Set() };
  groups.set(name, known);
  return known;
}

/** The messages of a batch, in order. */
export function* messagesOf(
  { count, records, shared }: Pick<RecordBatch, 'count' | 'records' | 'shared'>,
  pattern: string | undefined,
): Generator<SentMessage> {
  const common = shared.length > 0 ? decodeAttributes(shared) : {};
  let offset = 0;
  for (let i = 0; i < count; i++) {
    const { attributes, body, end } = readRecord(records, offset);
    const { messageId, delayMs } =
      attributes.length > 0 ? { ...common, ...decodeAttributes(attributes) } : common;
    const id = idOf(body) ?? 'a message that nobody published';
    yield { id, crc: crc32(body), messageId, isDelayed: delayMs !== undefined, pattern };
    offset = end;
  }
}

/** What a confirm says of each record of its batch. */
function toldOf({ first, duplicates = [], delayed = [] }: ConfirmedStream, count: number): Told[] {
  const marked = new Map<number, Told>();
  for (let i = 0; i < duplicates.length; i += 2) {
    marked.set(duplicates[i]!, { kind: 'duplicate', sequence: duplicates[i + 1]! });
  }
  for (let i = 0; i < delayed.length; i += 2) {
    marked.set(delayed[i]!, { kind: 'delayed', delayedId: delayed[i + 1]! });
  }
  let next = first;
  return Array.from({ length: count }, (_, index) => {
    return marked.get(index) ?? { kind: 'stored', sequence: next++ };
  });
}

function* spelledOut(entries: readonly StreamRanges[]): Generator<[stream: string, sequence: number]> {
  for (const { stream, ranges } of entries) {
    for (const { first, last } of ranges) {
      for (let sequence = first; sequence <= last; sequence++) yield [stream, sequence];
    }
  }
}

function newConversation(): Conversation {
  const frameBytesMax = 2 ** 31;
  return {
    received: new FrameDecoder({ frameBytesMax }),
    sent: new FrameDecoder({ frameBytesMax }),
    requests: new Map(),
    groups: new Map(),
    producer: '',
  };
}

function newStream(name: string): KnownStream {
  return {
    name,
    state: 'asked for',
    told: new Map(),
    sent: new Set(),
    places: new Map(),
    highest: 0,
    groups: new Map(),
    messageIds: new Map(),
  };
}
