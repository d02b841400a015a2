import {
  type ConfirmedStream,
  decodeAck,
  decodeConfirm,
  decodeDeliver,
  decodeError,
  decodeFollow,
  decodeFollowing,
  decodeHello,
  decodePublish,
  decodeReject,
  decodeSettled,
  decodeTransacted,
  decodeTransaction,
  type Frame,
  FrameDecoder,
  Opcode,
  type RecordBatch,
  type StreamRanges,
  type WireBind,
} from '@simplemq/protocol';
import { type Asked, adminRequest } from './admin-requests.ts';
import { type Happened, nothingHappened } from './happened.ts';
import {
  ackAnswered,
  ackReceived,
  type Existence,
  groupCreated,
  groupOf,
  type KnownStream,
  place,
  type SentMessage,
} from './known-stream.ts';
import type { KnownAck, KnownPart, KnownTransaction } from './known-transaction.ts';
import type { Operation } from './operations.ts';
import { messagesOf, spelledOut, toldOf } from './records.ts';

/** A publish, or those of a transaction, that the broker has answered and that may be sent again. */
export interface AnsweredPublishes {
  readonly number: number;
  readonly isTransaction: boolean;
  readonly publishes: readonly {
    readonly bind: WireBind;
    readonly batch: RecordBatch;
    /** Where the broker said that it is, by stream. */
    readonly placed: readonly Pick<ConfirmedStream, 'stream' | 'first'>[];
  }[];
}

/** A producer, as far as it may send again. */
interface KnownProducer {
  settled: number;
  readonly answered: Map<number, AnsweredPublishes>;
}

interface ReceivedPublish {
  readonly bind: WireBind;
  readonly batch: RecordBatch;
  readonly ids: readonly string[];
  readonly targets: readonly string[];
}

interface Conversation {
  readonly received: FrameDecoder;
  readonly sent: FrameDecoder;
  readonly requests: Map<number, Asked>;
  /** By follower, its group. */
  readonly groups: Map<number, string>;
  producer: string;
}

const DEFAULT_GROUP = 'workers';
/** A transaction that is answered with these was not done. */
const NOT_DONE = new Set(['StaleAck', 'FollowerNotFound']);

/** What clients asked of the broker and were told by it, up to some operation of its log. */
export class Knowledge {
  readonly messages: Map<string, SentMessage> = new Map();
  /** By name; of a name that was used again, the newest. */
  readonly streams: Map<string, KnownStream> = new Map();
  /** By the id of their first message. */
  readonly transactions: Map<string, KnownTransaction> = new Map();
  readonly schedules: Map<string, { state: Existence }> = new Map();
  /** Ids of the messages of schedules, which come again and again. */
  readonly scheduled: Set<string> = new Set();
  readonly producers: Map<string, KnownProducer> = new Map();
  /** Messages that a process that recovered published to these streams, and their places as far as they were told. */
  readonly added: Map<string, { readonly stream: string; sequence: number | undefined }> = new Map();
  readonly happened: Happened = nothingHappened();
  /** Goes up whenever more is known. */
  version = 0;
  confirms = 0;
  readonly #conversations = new Map<number, Conversation>();

  apply(operation: Operation): void {
    if (operation.kind === 'start') this.#conversations.clear();
    else if (operation.kind === 'accept') this.#conversations.set(operation.descriptor, newConversation());
    else if (operation.kind === 'receive') this.#received(operation.descriptor, operation.bytes);
    else if (operation.kind === 'send') this.#sent(operation.descriptor, operation.bytes);
  }

  /** Of each producer what was answered last, if it may still be sent again. */
  resendable(): { producer: string; settled: number; last: AnsweredPublishes }[] {
    return [...this.producers].flatMap(([producer, { settled, answered }]) => {
      const last = [...answered.values()].at(-1);
      return last === undefined ? [] : [{ producer, settled, last }];
    });
  }

  #received(descriptor: number, bytes: Buffer): void {
    const conversation = this.#conversations.get(descriptor)!;
    conversation.received.push(bytes, (frame) => {
      this.version++;
      const asked = this.#request(conversation, frame) ?? adminRequest(this, frame);
      if (asked !== undefined) conversation.requests.set(frame.requestId, asked);
      return true;
    });
  }

  #sent(descriptor: number, bytes: Buffer): void {
    const conversation = this.#conversations.get(descriptor)!;
    conversation.sent.push(bytes, (frame) => {
      this.version++;
      if (frame.opcode === Opcode.Deliver) this.#delivered(frame.payload);
      const asked = conversation.requests.get(frame.requestId);
      conversation.requests.delete(frame.requestId);
      if (frame.opcode === Opcode.Error) asked?.refused?.(decodeError(frame.payload).code);
      else asked?.answered(frame);
      return true;
    });
  }

  #request(conversation: Conversation, { opcode, payload }: Frame): Asked | undefined {
    switch (opcode) {
      case Opcode.Hello:
        conversation.producer = Buffer.from(decodeHello(payload).producer).toString('hex');
        return undefined;
      case Opcode.Publish:
        return this.#publish(conversation, payload);
      case Opcode.Transaction:
        return this.#transaction(conversation, payload);
      case Opcode.Follow:
        return this.#follow(conversation, payload);
      case Opcode.Ack: {
        const { follower, entries } = decodeAck(payload);
        const group = conversation.groups.get(follower)!;
        for (const [stream, sequence] of spelledOut(entries)) {
          ackReceived(groupOf(this.streams.get(stream)!, group), sequence);
        }
        return { answered: (reply) => this.#settled(group, entries, reply) };
      }
      case Opcode.Reject: {
        const { follower, entries } = decodeReject(payload);
        const group = conversation.groups.get(follower)!;
        return { answered: (reply) => this.#settled(group, entries, reply) };
      }
    }
    return undefined;
  }

  #follow(conversation: Conversation, payload: Buffer): Asked {
    const { bind, group: name = DEFAULT_GROUP } = decodeFollow(payload);
    const stream = this.streams.get('stream' in bind ? bind.stream : '')!;
    groupOf(stream, name);
    return {
      // That a group came to be with its follower need not be on the disk yet: an answer to an ack says so.
      answered: (reply) => {
        conversation.groups.set(decodeFollowing(reply.payload).follower, name);
      },
    };
  }

  #publish({ producer }: Conversation, payload: Buffer): Asked {
    const { bind, number, settled, batch } = decodePublish(payload);
    this.#sentBy(producer, settled);
    const publish = this.#publishOf(bind, batch);
    return {
      answered: (reply) => {
        const { streams } = decodeConfirm(reply.payload);
        this.#confirmed(publish, streams);
        const publishes = [{ bind, batch, placed: streams }];
        this.producers.get(producer)!.answered.set(number, { number, isTransaction: false, publishes });
      },
    };
  }

  #transaction(conversation: Conversation, payload: Buffer): Asked {
    const { number, settled, acks, publishes } = decodeTransaction(payload);
    const { producer } = conversation;
    this.#sentBy(producer, settled);
    const received = publishes.map(({ bind, batch }) => this.#publishOf(bind, batch));
    const parts = received.flatMap(({ ids, targets }) =>
      ids.map((id): KnownPart => ({ id, streams: targets })),
    );
    // Sent again it names followers of a connection that is gone.
    const transaction = this.transactions.get(parts[0]!.id) ?? {
      parts,
      acks: acks.flatMap(({ follower, entries }) => {
        const group = conversation.groups.get(follower);
        // Lost on its way the first time: it names a follower that this broker does not know, and acks nothing.
        if (group === undefined) return [];
        return [...spelledOut(entries)].map(([stream, sequence]): KnownAck => ({ stream, group, sequence }));
      }),
      state: 'asked for',
    };
    this.transactions.set(parts[0]!.id, transaction);
    for (const { stream, group, sequence } of transaction.acks) {
      ackReceived(groupOf(this.streams.get(stream)!, group), sequence);
    }
    return {
      answered: (reply) => {
        this.happened.transactions++;
        transaction.state = 'confirmed';
        const answers = decodeTransacted(reply.payload).publishes;
        for (const [index, publish] of received.entries()) this.#confirmed(publish, answers[index]!);
        for (const { stream, group, sequence } of transaction.acks) {
          this.#ackAnswered(stream, group, sequence);
        }
        this.producers.get(producer)!.answered.set(number, {
          number,
          isTransaction: true,
          publishes: publishes.map(({ bind, batch }, index) => ({ bind, batch, placed: answers[index]! })),
        });
      },
      refused: (code) => {
        if (NOT_DONE.has(code)) transaction.state = 'refused';
      },
    };
  }

  #sentBy(producer: string, settled: number): void {
    const known = this.producers.get(producer) ?? { settled: 0, answered: new Map() };
    this.producers.set(producer, known);
    known.settled = Math.max(known.settled, settled);
    for (const answered of known.answered.keys()) if (answered <= settled) known.answered.delete(answered);
  }

  #publishOf(bind: WireBind, batch: RecordBatch): ReceivedPublish {
    const pattern = 'pattern' in bind ? bind.pattern : undefined;
    const targets = 'stream' in bind ? [bind.stream] : this.#matching(bind.pattern);
    const ids: string[] = [];
    for (const message of messagesOf(batch, pattern)) {
      ids.push(message.id);
      this.messages.set(message.id, message);
      for (const target of targets) this.streams.get(target)?.sent.add(message.id);
    }
    return { bind, batch, ids, targets };
  }

  #matching(pattern: string): string[] {
    const expression = new RegExp(pattern);
    return [...this.streams.keys()].filter((name) => expression.test(name));
  }

  #confirmed({ ids }: ReceivedPublish, streams: readonly ConfirmedStream[]): void {
    this.confirms++;
    for (const confirmed of streams) {
      const stream = this.streams.get(confirmed.stream)!;
      for (const [index, told] of toldOf(confirmed, ids.length).entries()) {
        const id = ids[index]!;
        stream.told.set(id, told);
        const { messageId } = this.messages.get(id)!;
        if (messageId !== undefined && told.kind !== 'duplicate') stream.messageIds.set(messageId, id);
        if (told.kind !== 'stored') continue;
        place(stream, told.sequence, id);
        if (told.sequence > (stream.logMessagesMax ?? Number.POSITIVE_INFINITY)) this.happened.dropped++;
      }
    }
  }

  /** Acks or rejects were answered. */
  #settled(group: string, entries: readonly StreamRanges[], { payload }: Frame): void {
    const { stale } = decodeSettled(payload);
    const late = new Set([...spelledOut(stale)].map(([stream, sequence]) => `${stream} ${sequence}`));
    for (const [stream, sequence] of spelledOut(entries)) {
      if (late.has(`${stream} ${sequence}`)) continue;
      this.#ackAnswered(stream, group, sequence);
    }
  }

  #ackAnswered(name: string, groupName: string, sequence: number): void {
    const stream = this.streams.get(name)!;
    const group = groupOf(stream, groupName);
    if (group.state === 'asked for') groupCreated(stream, group);
    ackAnswered(group, sequence);
  }

  #delivered(payload: Buffer): void {
    const { stream, first, batch } = decodeDeliver(payload);
    let sequence = first;
    for (const { id } of messagesOf(batch, undefined)) {
      place(this.streams.get(stream)!, sequence++, id);
      if (this.scheduled.has(id)) this.happened.ticks++;
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
