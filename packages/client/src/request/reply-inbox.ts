import type { SimpleMQError } from '@simplemq/protocol';
import { Bind } from '../bind.ts';
import type { Codec } from '../codec/codec.ts';
import type { Connection } from '../connection/connection.ts';
import { coreOf } from '../connection/core.ts';
import type { Cursor } from '../cursor/cursor.ts';
import { sourceOptions } from '../follower/follower.ts';
import type { FollowerOptions } from '../follower/follower-options.ts';
import type { Message } from '../follower/message.ts';
import { MessageIterator } from '../follower/message-iterator.ts';

/** A reply stream, or a group on a shared one, is removed by the broker when it was not used for so long. */
const EXPIRE_AFTER_MS = 60_000;

export interface InboxOptions<A> {
  readonly connection: Connection;
  /** Not used by anybody else. */
  readonly id: string;
  /** A stream to share; undefined for one of its own. */
  readonly shared: string | undefined;
  readonly codec: Codec | undefined;
  /** Told of each message; on a shared stream of those for others too. */
  readonly onReply: (message: Message<A>) => void;
  /** Told why there will be no replies until `open` is called again. */
  readonly onLost: (error: SimpleMQError) => void;
}

/** Where a requester gets its replies. It does not keep the process alive. */
export class ReplyInbox<A> {
  readonly stream: string;
  readonly #options: InboxOptions<A>;
  readonly #cursor: Cursor;
  /** Settles when it is open; undefined while it is not, and nobody opens it. */
  #opening: Promise<void> | undefined;
  #messages: MessageIterator<A> | undefined;

  constructor(options: InboxOptions<A>) {
    this.#options = options;
    this.#cursor = options.connection.cursor();
    this.stream = options.shared ?? options.id;
  }

  /** Resolves when what is sent to `stream` from now on will be seen. */
  open(): Promise<void> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** Leaves nothing behind, where the broker can be reached. */
  async close(): Promise<void> {
    if (this.#opening === undefined) return;
    await this.#opening.catch(() => undefined);
    await this.#messages?.end();
    const { shared, id } = this.#options;
    const removed =
      shared === undefined ? this.#cursor.deleteStream(id) : this.#cursor.deleteGroup(shared, id);
    // What cannot be removed now the broker removes by itself.
    await removed.catch(() => undefined);
  }

  async #open(): Promise<void> {
    const { shared, id, codec } = this.#options;
    // On a stream of its own the default group will do. On a shared one its own group must be there before a request
    // is sent, as it begins with what comes from then on.
    const ownGroup = { startFrom: 'new', exclusive: true, expireAfterMs: EXPIRE_AFTER_MS } as const;
    if (shared === undefined) {
      await this.#cursor.createStream(id, { storage: 'memory', expireAfterMs: EXPIRE_AFTER_MS });
    } else {
      await this.#cursor.createGroup(shared, id, ownGroup);
    }
    const options: FollowerOptions<A> = {
      ...(shared !== undefined && { group: id, ...ownGroup }),
      ...(codec !== undefined && { codec }),
    };
    const source = sourceOptions(new Bind(this.stream), options, {
      concurrency: 1,
      autoAck: false,
      holds: false,
    });
    const { link } = coreOf(this.#options.connection);
    const messages = new MessageIterator<A>(link, source);
    this.#messages = messages;
    void this.#receive(messages);
  }

  async #receive(messages: MessageIterator<A>): Promise<void> {
    try {
      for await (const message of messages) {
        this.#options.onReply(message);
        void message.ack();
      }
    } catch (error) {
      this.#opening = undefined;
      this.#options.onLost(error as SimpleMQError);
    }
  }
}
