import {
  ConnectionLost,
  type Deliver,
  encodeUnfollow,
  type Following,
  Opcode,
  type RecordBatch,
  type SimpleMQError,
  StaleAck,
  type StreamRanges,
  type WireBind,
} from '@simplemq/protocol';
import type { Link, LinkUser } from '../connection/link.ts';
import type { DeliverySink, Session } from '../connection/session.ts';
import type { BodyReader } from '../message/body-reader.ts';
import { ackAhead } from './ack-ahead.ts';
import { endsBroker } from './broker-ends.ts';
import { CreditAccount } from './credit-account.ts';
import { FollowRequest } from './follow-request.ts';
import type { WireGroup } from './follower-options.ts';
import { HeldFollower } from './held-follower.ts';
import type { Message } from './message.ts';
import { PrefetchWindow } from './prefetch-window.ts';
import { Run } from './run.ts';
import { type Amount, RunBuffer, skipStale } from './run-buffer.ts';
import { covers } from './settlement-batch.ts';
import { SlowWatch } from './slow-watch.ts';

export interface SourceOptions<T> {
  readonly bind: WireBind;
  readonly group: string | undefined;
  /** What the group is like when it comes to be. */
  readonly wireGroup: WireGroup;
  readonly leaseMs: number | undefined;
  readonly prefetch: 'auto' | number;
  readonly concurrency: number;
  readonly readBody: BodyReader<T>;
  readonly autoAck: boolean;
  /** Whether the process is kept alive by it. */
  readonly holds: boolean;
  /** Why a session's broker cannot do what is asked, if it cannot. */
  readonly refusal: (session: Session) => SimpleMQError | undefined;
}

/** Who takes the messages: an iterator, or a worker. */
export interface SourceOwner<T> {
  /** There are messages to take, or the source has failed. */
  ready(): void;
  /** The messages being handled. */
  inHand(): Iterable<Message<T>>;
  inHandCount(): number;
}

/** One follower of the SDK over all its sessions: follows, buffers, gives credit, keeps leases, hands back. */
export class MessageSource<T> implements LinkUser, DeliverySink {
  readonly #link: Link;
  readonly #options: SourceOptions<T>;
  readonly #owner: SourceOwner<T>;
  readonly #window: PrefetchWindow;
  readonly #credit = new CreditAccount();
  readonly #buffer: RunBuffer<T>;
  readonly #request: FollowRequest;
  readonly #slowWatch: SlowWatch;
  /** The follower as the present session has it. */
  #held: HeldFollower<T> | undefined;
  /** Settles when the last FOLLOW was answered, or cannot be any more. */
  #followAnswered: Promise<void> | undefined;
  /** Finished messages until the next look at window and credit, and how many that look will stand for. */
  #untilReview = 1;
  #sinceReview = 1;
  /** The handler is slow: nothing is buffered until it has finished a message. */
  #slow = false;
  /**
   * The broker has not answered yet that it has back what was buffered: what comes until then was sent before it read
   * that, and goes back too, or it would be handled ahead of what comes before it.
   */
  #handingBack = false;
  #leaseTimer: NodeJS.Timeout | undefined;
  #started = false;
  #drained = false;
  #stopping: Promise<void> | undefined;
  #failure: SimpleMQError | undefined;

  constructor(link: Link, options: SourceOptions<T>, owner: SourceOwner<T>) {
    this.#link = link;
    this.#options = options;
    this.#owner = owner;
    this.#window = new PrefetchWindow(options.prefetch, options.concurrency);
    this.#request = new FollowRequest(options, {
      credit: () => {
        const { messages, bytes } = this.#buffer.amount();
        const kept = { messages: messages + owner.inHandCount(), bytes };
        return this.#credit.begin(kept, this.#drained ? 0 : this.#window.size);
      },
      following: (session, reply) => this.#following(session, reply),
      refused: (error) => this.#fail(error),
    });
    this.#buffer = new RunBuffer((run) => {
      if (this.#credit.useBytes(run.bytes)) this.#untilReview = 1;
    });
    this.#slowWatch = new SlowWatch({
      progress: () => this.#credit.used,
      waiting: () => !this.#buffer.empty,
      busy: () => this.#owner.inHandCount() > 0,
      slow: () => this.#becomeSlow(),
    });
  }

  /** Why there will be no more messages, once there will not. */
  get failure(): SimpleMQError | undefined {
    return this.#failure;
  }

  start(): void {
    if (this.#link.closed) {
      this.#fail(new ConnectionLost('the connection was closed'));
      return;
    }
    this.#started = true;
    this.#link.add(this);
    if (this.#options.holds) this.#link.hold();
    const session = this.#link.session;
    if (session !== undefined) this.#follow(session);
  }

  /** The next message, which is in hand from now on; undefined while none is buffered. */
  take(): Message<T> | undefined {
    return this.#buffer.take();
  }

  /** A message that was taken is handled. */
  finish(): void {
    this.#credit.used++;
    if (--this.#untilReview <= 0) this.#review();
  }

  /** Everything that was taken is handled, and nothing is buffered. */
  pause(): void {
    this.#window.pause(performance.now());
  }

  /** Takes no more messages and hands back what is buffered; what is in hand stays so. */
  drain(error: SimpleMQError): void {
    if (this.#drained) return;
    this.#drained = true;
    const held = this.#held;
    if (held === undefined) return;
    this.#handBack(held);
    held.abort(error);
  }

  /** Ends it: hands back, settles, and leaves nothing behind. What is in hand goes back to the broker. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  opened(session: Session): void {
    if (this.#failure === undefined && this.#stopping === undefined) this.#follow(session);
  }

  lost(error: SimpleMQError): void {
    this.#forget(error);
  }

  failed(error: SimpleMQError): void {
    this.#fail(error);
  }

  delivered(delivery: Deliver & { readonly batch: RecordBatch }): void {
    const held = this.#held;
    if (held === undefined || !held.alive || delivery.follower !== held.id) return;
    const run = new Run(held, delivery);
    this.#credit.received += run.left;
    if (this.#takesNothing) {
      this.#credit.used += run.left;
      this.#credit.useBytes(run.bytes);
      held.settler.release([run.ranges()]);
    } else if (held.autoAck) {
      this.#autoAck(run);
    } else {
      this.#enqueue(run);
    }
  }

  ended(error: SimpleMQError): void {
    this.#forget(error);
    if (!endsBroker(error)) this.#fail(error);
  }

  #follow(session: Session): void {
    const refusal = this.#options.refusal(session);
    if (refusal !== undefined) {
      this.#fail(refusal);
      return;
    }
    this.#followAnswered = this.#request.send(session);
  }

  #following(session: Session, { follower, leaseMs }: Following): void {
    const { readBody, autoAck } = this.#options;
    const held = new HeldFollower<T>({ session, link: this.#link, id: follower, readBody, autoAck });
    this.#held = held;
    session.attach(follower, this);
    clearInterval(this.#leaseTimer);
    this.#leaseTimer = setInterval(() => this.#extendLeases(held), Math.max(1, leaseMs / 3)).unref();
    this.#tellCredit(held);
  }

  #enqueue(run: Run<T>): void {
    if (run.left === 0) return;
    if (this.#buffer.empty) this.#window.resume(performance.now());
    this.#buffer.add(run);
    if (!this.#window.fixed) this.#slowWatch.start();
    this.#owner.ready();
  }

  #autoAck(run: Run<T>): void {
    const { held } = run;
    ackAhead(run, {
      isOver: () => this.#failure !== undefined || this.#stopping !== undefined,
      acked: (stale) => {
        const messages = skipStale(run, stale);
        if (messages > 0) this.#makeRoom(held, { messages, bytes: run.left === 0 ? run.bytes : 0 });
        this.#enqueue(run);
      },
      refused: () => this.#makeRoom(held, { messages: run.left, bytes: run.bytes }),
    });
  }

  /** Called for every half window of finished messages. */
  #review(): void {
    this.#slow = false;
    this.#window.review(performance.now(), this.#sinceReview);
    this.#untilReview = Math.max(1, this.#window.size >> 1);
    this.#sinceReview = this.#untilReview;
    if (this.#held !== undefined) this.#tellCredit(this.#held);
  }

  #tellCredit(held: HeldFollower<T>): void {
    if (held.alive) this.#credit.tell(held, this.#takesNothing ? 0 : this.#window.size);
  }

  #becomeSlow(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#window.shrink();
    // The message that is finished next ends it.
    this.#untilReview = 1;
    this.#sinceReview = 1;
    if (held.autoAck) {
      this.#tellCredit(held);
      return;
    }
    this.#slow = true;
    this.#handingBack = true;
    this.#handBack(held, () => {
      if (held !== this.#held) return;
      this.#handingBack = false;
      this.#tellCredit(held);
    });
  }

  get #takesNothing(): boolean {
    return this.#drained || this.#slow || this.#handingBack;
  }

  /** Takes back credit that was not used, and gives back what is buffered. `done`: the broker has done both. */
  #handBack(held: HeldFollower<T>, done?: () => void): void {
    const ranges = held.autoAck ? [] : this.#buffer.ranges();
    const dropped = this.#buffer.clear();
    this.#credit.used += dropped.messages;
    this.#credit.useBytes(dropped.bytes);
    this.#tellCredit(held);
    if (ranges.length > 0 || done !== undefined) held.settler.release(ranges, done);
  }

  #extendLeases(held: HeldFollower<T>): void {
    if (!held.alive || held.autoAck) return;
    const entries = this.#buffer.ranges();
    for (const message of this.#owner.inHand()) {
      if (!message.needsLease || message.run.held !== held) continue;
      const { stream, sequence, attempt } = message;
      entries.push({ stream, ranges: [{ first: sequence, last: sequence, attempt }] });
    }
    if (entries.length > 0) held.settler.extendAll(entries, (stale) => this.#leasesLost(held, stale));
  }

  #leasesLost(held: HeldFollower<T>, stale: readonly StreamRanges[]): void {
    if (held !== this.#held) return;
    for (const message of this.#owner.inHand()) {
      const { stream, sequence, attempt } = message;
      if (message.needsLease && covers(stale, stream, sequence, attempt)) {
        message.abort(new StaleAck(`the lease of ${stream} ${sequence} was lost`));
      }
    }
    this.#makeRoom(held, this.#buffer.drop(stale));
  }

  /** What nobody will take any more makes room for other messages. */
  #makeRoom(held: HeldFollower<T>, { messages, bytes }: Amount): void {
    if (held !== this.#held) return;
    this.#credit.used += messages;
    this.#credit.useBytes(bytes);
    if (messages > 0) this.#tellCredit(held);
  }

  /** The follower is over as the broker sees it. */
  #forget(error: SimpleMQError): void {
    clearInterval(this.#leaseTimer);
    // What is buffered comes again, unless it was acked before.
    if (!this.#options.autoAck) this.#buffer.clear();
    const held = this.#held;
    this.#held = undefined;
    this.#handingBack = false;
    if (held === undefined) return;
    held.session.detach(held.id);
    held.end(error);
  }

  #fail(error: SimpleMQError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#forget(error);
    this.#owner.ready();
  }

  async #stop(): Promise<void> {
    this.#slowWatch.stop();
    this.#drained = true;
    await this.#followAnswered;
    clearInterval(this.#leaseTimer);
    const held = this.#held;
    if (held?.alive) await this.#leave(held);
    this.#held = undefined;
    this.#buffer.clear();
    if (!this.#started) return;
    this.#link.remove(this);
    if (this.#options.holds) this.#link.release();
  }

  async #leave(held: HeldFollower<T>): Promise<void> {
    held.settler.flush();
    if (!this.#buffer.empty || this.#credit.mayReceive) {
      // The answer to this RELEASE comes after every message that was sent before the broker read the CREDIT in front
      // of it; those are handed back as they come, so that UNFOLLOW finds only what is in hand.
      await new Promise<void>((resolve) => this.#handBack(held, resolve));
    }
    const left = Promise.withResolvers<void>();
    const done = (): void => {
      held.session.detach(held.id);
      left.resolve();
    };
    const requester = { answered: done, refused: done };
    held.session.request(Opcode.Unfollow, requester, (id) => encodeUnfollow(id, { follower: held.id }));
    held.end(new ConnectionLost('the follower has ended; the message is delivered again'));
    await left.promise;
  }
}
