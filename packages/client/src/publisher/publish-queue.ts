import { ConnectionLost, type SimpleMQError, Unsupported } from '@simplemq/protocol';
import type { Link, LinkUser } from '../connection/link.ts';
import type { Session } from '../connection/session.ts';
import { lackingFeatures } from './features.ts';
import type { Numbered, NumberedSource } from './numbered.ts';

/**
 * Numbers the batches and transactions of a connection and sees each through to its answer, over as many sessions as
 * that takes.
 *
 * Invariant: they are sent in the order of their numbers, and on a new session those without an answer go again, with
 * the same numbers, before any new one. So the broker does each once, in order.
 */
export class PublishQueue implements LinkUser {
  readonly #link: Link;
  /** Sources that may have something, in the order in which they asked. */
  readonly #sources = new Set<NumberedSource>();
  /** What has no answer, by number, in ascending order. */
  readonly #unanswered = new Map<number, Numbered>();
  /** What of that the present session was not sent yet. */
  #unsent: Numbered[] = [];
  /** How many the present session was sent and has not answered. */
  #inFlight = 0;
  #isPumping = false;
  #lastNumber = 0;
  #holding = false;
  #settledWaiters: (() => void)[] = [];

  constructor(link: Link) {
    this.#link = link;
    link.add(this);
  }

  /** `source` has something to send. */
  want(source: NumberedSource): void {
    if (this.#link.closed) {
      source.failed(new ConnectionLost('the connection was closed'));
      return;
    }
    this.#sources.add(source);
    this.#holdWhileBusy();
    this.#pump();
    if (this.#unanswered.size === 0) this.#holdWhileBusy();
  }

  /** Resolves when nothing is unanswered. */
  async settled(): Promise<void> {
    if (this.#holding) await new Promise<void>((resolve) => this.#settledWaiters.push(resolve));
  }

  opened(session: Session): void {
    const { limits } = session.welcome;
    const oldest = performance.now() - limits.producerWindowMs;
    const items = [...this.#unanswered.values()];
    this.#inFlight = 0;
    this.#unsent = items.filter((item) => item.firstSentAt >= oldest && item.fits(limits));
    for (const item of items) {
      if (item.firstSentAt < oldest) this.#giveUp(item, expired(item, limits.producerWindowMs));
      // Cut in two it could be stored once as a whole and once in parts.
      else if (!item.fits(limits)) this.#giveUp(item, outgrown(item));
    }
    this.#pump();
    this.#holdWhileBusy();
  }

  lost(): void {}

  failed(error: SimpleMQError): void {
    const items = [...this.#unanswered.values()];
    this.#unanswered.clear();
    this.#unsent = [];
    this.#inFlight = 0;
    for (const item of items) item.reject(error);
    // What was rejected makes room, so that more sources may have come by now.
    for (const source of this.#sources) source.failed(error);
    this.#sources.clear();
    this.#holdWhileBusy();
  }

  #pump(): void {
    const session = this.#link.session;
    // What is rejected on the way makes room, and its source wants a turn again: the loop below gives it one.
    if (session === undefined || this.#isPumping) return;
    this.#isPumping = true;
    const { maxUnconfirmedBatches } = session.welcome.limits;
    while (this.#inFlight < maxUnconfirmedBatches) {
      const item = this.#unsent.shift() ?? this.#next(session);
      if (item === undefined) break;
      this.#send(session, item);
    }
    this.#isPumping = false;
  }

  /** The next new one, numbered; sources take turns. */
  #next(session: Session): Numbered | undefined {
    // A source that is put back comes round again in the same loop.
    for (const source of this.#sources) {
      const item = source.take();
      this.#sources.delete(source);
      if (item === undefined) continue;
      this.#sources.add(source);
      if (!this.#admit(session, item)) continue;
      item.number = ++this.#lastNumber;
      item.firstSentAt = performance.now();
      this.#unanswered.set(item.number, item);
      return item;
    }
    return undefined;
  }

  /** Whether the server can take it as it is. Where it cannot, the item was dealt with. */
  #admit(session: Session, item: Numbered): boolean {
    const { features, limits, server } = session.welcome;
    const lacking = lackingFeatures(item.features, features);
    if (lacking.length > 0) {
      item.reject(
        new Unsupported(
          `the broker (${server}) lacks the feature '${lacking[0]}', which ${item.what} asks for`,
          {
            details: { features: lacking },
          },
        ),
      );
      return false;
    }
    if (item.fits(limits)) return true;
    item.refit(limits);
    return false;
  }

  #send(session: Session, item: Numbered): void {
    this.#inFlight++;
    const requester = {
      answered: (payload: Buffer) => {
        const answer = item.decodeAnswer(payload);
        this.#answered(item);
        item.confirm(answer);
        this.#afterAnswer();
      },
      refused: (error: SimpleMQError) => {
        if (session.closed || error.code === 'ServerClosing') return;
        this.#answered(item);
        item.reject(error);
        this.#afterAnswer();
      },
    };
    const settled = this.#settledNumber();
    session.request(item.opcode, requester, (id) => item.head(id, settled), item.batches());
  }

  /** Every number up to it was answered. */
  #settledNumber(): number {
    const first = this.#unanswered.keys().next();
    return first.done ? this.#lastNumber : first.value - 1;
  }

  #answered(item: Numbered): void {
    this.#unanswered.delete(item.number);
    this.#inFlight--;
  }

  #afterAnswer(): void {
    this.#pump();
    if (this.#unanswered.size === 0) this.#holdWhileBusy();
  }

  #giveUp(item: Numbered, why: SimpleMQError): void {
    this.#unanswered.delete(item.number);
    item.reject(why);
  }

  #holdWhileBusy(): void {
    const busy = this.#unanswered.size > 0 || this.#sources.size > 0;
    if (busy === this.#holding) return;
    this.#holding = busy;
    if (busy) {
      this.#link.hold();
      return;
    }
    this.#link.release();
    for (const resolve of this.#settledWaiters) resolve();
    this.#settledWaiters = [];
  }
}

function expired({ what }: Numbered, windowMs: number): SimpleMQError {
  return new ConnectionLost(
    `${what} was sent, and the connection lost for longer than the ${windowMs} ms in which it could be sent again ` +
      'safely (limits.producerWindowMs): whether it was stored is not known',
    { details: { limit: 'producerWindowMs', value: windowMs } },
  );
}

function outgrown({ what }: Numbered): SimpleMQError {
  return new ConnectionLost(
    `${what} was sent, and the connection lost; the broker that came back takes less at a time (limits.maxFrameBytes, ` +
      'limits.maxMessageBytes), so that it cannot be sent again: whether it was stored is not known',
    { details: { limit: 'maxFrameBytes' } },
  );
}
