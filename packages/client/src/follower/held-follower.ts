import { RECORD_RAW, type SimpleMQError, Unsupported } from '@simplemq/protocol';
import type { Codec } from '../codec/codec.ts';
import { msgpack } from '../codec/msgpack.ts';
import type { StaleAcks } from '../connection/events.ts';
import type { Link } from '../connection/link.ts';
import type { Session } from '../connection/session.ts';
import type { Message } from './message.ts';
import { Settler } from './settler.ts';

export interface HeldFollowerOptions {
  readonly session: Session;
  readonly link: Link;
  readonly id: number;
  readonly leaseMs: number;
  readonly codec: Codec;
  readonly autoAck: boolean;
}

/** One follower as the broker knows it: from FOLLOWING until it ends or its session does. Messages refer to theirs. */
export class HeldFollower<T> {
  readonly session: Session;
  readonly id: number;
  readonly leaseMs: number;
  readonly autoAck: boolean;
  readonly settler: Settler;
  /** Whether its leases still hold. */
  alive = true;
  readonly #link: Link;
  readonly #codec: Codec;
  readonly #isMsgpack: boolean;
  /** Messages whose signal somebody has. */
  readonly #watched = new Set<Message<T>>();
  #aborted: SimpleMQError | undefined;

  constructor(options: HeldFollowerOptions) {
    this.session = options.session;
    this.id = options.id;
    this.leaseMs = options.leaseMs;
    this.autoAck = options.autoAck;
    this.#link = options.link;
    this.#codec = options.codec;
    this.#isMsgpack = options.codec === msgpack;
    this.settler = new Settler(options.session, options.link, options.id);
  }

  decode(body: Buffer, flags: number): T {
    if (this.#isMsgpack && (flags & RECORD_RAW) !== 0) return body as T;
    return this.#codec.decode(body) as T;
  }

  /** Aborts `message` when its lease is lost. */
  watch(message: Message<T>): void {
    if (this.#aborted !== undefined) {
      message.abort(this.#aborted);
      return;
    }
    if (this.#watched.size >= WATCHED_SWEEP) this.#sweep();
    this.#watched.add(message);
  }

  /** Aborts the signals of what is not settled. */
  abort(error: SimpleMQError): void {
    this.#aborted = error;
    for (const message of this.#watched) if (message.unsettled) message.abort(error);
    this.#watched.clear();
  }

  /** It is over: its leases with it. */
  end(error: SimpleMQError): void {
    if (!this.alive) return;
    this.alive = false;
    this.abort(error);
  }

  tellStale(stale: StaleAcks): void {
    this.#link.events.tell('staleAck', stale);
  }

  rejectError(reason: string | undefined): SimpleMQError {
    return new Unsupported(
      "the broker lacks the feature 'deadLetters', which reject asks for; use nack, or publish the message to a stream of your own",
      { details: { features: ['deadLetters'], ...(reason !== undefined && { reason }) } },
    );
  }

  #sweep(): void {
    for (const message of this.#watched) if (!message.unsettled) this.#watched.delete(message);
  }
}

/** Settled messages are forgotten when so many are watched. */
const WATCHED_SWEEP = 1_024;
