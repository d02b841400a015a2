import { type SimpleMQError, Unsupported } from '@simplemq/protocol';
import type { StaleAcks } from '../connection/events.ts';
import type { Link } from '../connection/link.ts';
import type { Session } from '../connection/session.ts';
import type { BodyReader } from '../message/body-reader.ts';
import type { Message } from './message.ts';
import { Settler } from './settler.ts';

export interface HeldFollowerOptions<T> {
  readonly session: Session;
  readonly link: Link;
  readonly id: number;
  readonly readBody: BodyReader<T>;
  readonly autoAck: boolean;
}

/** One follower as the broker knows it: from FOLLOWING until it ends or its session does. Messages refer to theirs. */
export class HeldFollower<T> {
  readonly session: Session;
  readonly link: Link;
  readonly id: number;
  readonly readBody: BodyReader<T>;
  readonly autoAck: boolean;
  readonly settler: Settler;
  /** Whether its leases still hold. */
  alive = true;
  /** Messages whose signal somebody has. */
  readonly #watched = new Set<Message<T>>();
  #aborted: SimpleMQError | undefined;

  constructor(options: HeldFollowerOptions<T>) {
    this.session = options.session;
    this.link = options.link;
    this.id = options.id;
    this.readBody = options.readBody;
    this.autoAck = options.autoAck;
    this.settler = new Settler(options.session, options.link, options.id);
  }

  /** Aborts `message` when its lease is lost. */
  watch(message: Message<T>): void {
    if (this.#aborted !== undefined) {
      if (message.needsLease) message.abort(this.#aborted);
      return;
    }
    if (this.#watched.size >= WATCHED_SWEEP) this.#sweep();
    this.#watched.add(message);
  }

  /** Aborts the signals of what is in somebody's hands. */
  abort(error: SimpleMQError): void {
    this.#aborted = error;
    for (const message of this.#watched) if (message.needsLease) message.abort(error);
    this.#watched.clear();
  }

  /** It is over: its leases with it. */
  end(error: SimpleMQError): void {
    if (!this.alive) return;
    this.alive = false;
    this.abort(error);
  }

  tellStale(stale: StaleAcks): void {
    this.link.events.tell('staleAck', stale);
  }

  /** Why a message cannot be rejected, if the broker has nowhere to put it. */
  get rejectRefusal(): SimpleMQError | undefined {
    if (this.session.welcome.features.includes('deadLetters')) return undefined;
    return new Unsupported(
      "the broker lacks the feature 'deadLetters', which reject asks for; use nack, or publish the message to a stream of your own",
      { details: { features: ['deadLetters'] } },
    );
  }

  #sweep(): void {
    for (const message of this.#watched) if (!message.needsLease) this.#watched.delete(message);
  }
}

/** Settled messages are forgotten when so many are watched. */
const WATCHED_SWEEP = 1_024;
