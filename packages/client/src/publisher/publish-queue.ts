import {
  ConnectionLost,
  decodeConfirm,
  encodePublishHead,
  Opcode,
  type SimpleMQError,
  Unsupported,
} from '@simplemq/protocol';
import type { Link, LinkUser } from '../connection/link.ts';
import type { Session } from '../connection/session.ts';
import type { OutgoingBatch } from './outgoing-batch.ts';

/** Where batches come from: a publisher. */
export interface BatchSource {
  /** The next batch that may go, closed; undefined when there is none now. */
  take(): OutgoingBatch | undefined;
  /** Puts `parts` in the place of a batch that was taken, in front of all others. */
  replace(batch: OutgoingBatch, parts: readonly OutgoingBatch[]): void;
  /** Rejects everything that was not taken. */
  failed(error: SimpleMQError): void;
}

/**
 * Numbers the batches of a connection and sees each through to its confirm, over as many sessions as that takes.
 *
 * Invariant: batches are sent in the order of their numbers, and on a new session those without an answer go again,
 * with the same numbers, before any new one. So the broker stores each once, in order.
 */
export class PublishQueue implements LinkUser {
  readonly #link: Link;
  /** Sources that may have a batch, in the order in which they asked. */
  readonly #sources = new Set<BatchSource>();
  /** Batches without an answer, by number, in ascending order. */
  readonly #unanswered = new Map<number, OutgoingBatch>();
  /** Those of them that the present session was not sent yet. */
  #unsent: OutgoingBatch[] = [];
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
  want(source: BatchSource): void {
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
    const oldest = performance.now() - session.welcome.limits.producerWindowMs;
    const batches = [...this.#unanswered.values()];
    this.#inFlight = 0;
    this.#unsent = batches.filter((batch) => batch.firstSentAt >= oldest);
    for (const batch of batches) {
      if (batch.firstSentAt < oldest) this.#giveUp(batch, session.welcome.limits.producerWindowMs);
    }
    this.#pump();
    this.#holdWhileBusy();
  }

  lost(): void {}

  failed(error: SimpleMQError): void {
    const batches = [...this.#unanswered.values()];
    this.#unanswered.clear();
    this.#unsent = [];
    this.#inFlight = 0;
    for (const batch of batches) batch.reject(error);
    // Batches that were rejected make room, so that more sources may have come by now.
    for (const source of this.#sources) source.failed(error);
    this.#sources.clear();
    this.#holdWhileBusy();
  }

  #pump(): void {
    const session = this.#link.session;
    // A batch that is rejected on the way makes room, and its source wants a turn again: the loop below gives it one.
    if (session === undefined || this.#isPumping) return;
    this.#isPumping = true;
    const { maxUnconfirmedBatches } = session.welcome.limits;
    while (this.#inFlight < maxUnconfirmedBatches) {
      const batch = this.#unsent.shift() ?? this.#next(session);
      if (batch === undefined) break;
      this.#send(session, batch);
    }
    this.#isPumping = false;
  }

  /** The next new batch, numbered; sources take turns. */
  #next(session: Session): OutgoingBatch | undefined {
    // A source that is put back comes round again in the same loop.
    for (const source of this.#sources) {
      const batch = source.take();
      this.#sources.delete(source);
      if (batch === undefined) continue;
      this.#sources.add(source);
      if (!this.#admit(session, source, batch)) continue;
      batch.number = ++this.#lastNumber;
      batch.firstSentAt = performance.now();
      this.#unanswered.set(batch.number, batch);
      return batch;
    }
    return undefined;
  }

  /** Whether the server can take the batch as it is. Where it cannot, the batch was dealt with. */
  #admit(session: Session, source: BatchSource, batch: OutgoingBatch): boolean {
    const { features, limits } = session.welcome;
    const lacking = batch.features?.filter((feature) => !features.includes(feature));
    if (lacking !== undefined && lacking.length > 0) {
      batch.reject(
        new Unsupported(
          `the broker (${session.welcome.server}) lacks the feature '${lacking[0]}', which this message asks for`,
          { details: { features: lacking } },
        ),
      );
      return false;
    }
    if (batch.fits(limits)) return true;
    source.replace(batch, batch.split(limits));
    return false;
  }

  #send(session: Session, batch: OutgoingBatch): void {
    this.#inFlight++;
    const encoded = batch.encoded();
    const requester = {
      answered: (payload: Buffer) => {
        const confirm = decodeConfirm(payload);
        this.#answered(batch);
        batch.confirm(confirm);
        this.#afterAnswer();
      },
      refused: (error: SimpleMQError) => {
        if (session.closed || error.code === 'ServerClosing') return;
        this.#answered(batch);
        batch.reject(error);
        this.#afterAnswer();
      },
    };
    const settled = this.#settledNumber();
    const { bind, number, mustMatch } = batch;
    session.request(
      Opcode.Publish,
      requester,
      (id) =>
        encodePublishHead(id, { bind, number, settled, ...(mustMatch && { mustMatch }) }, encoded.length),
      encoded,
    );
  }

  /** Every number up to it was answered. */
  #settledNumber(): number {
    const first = this.#unanswered.keys().next();
    return first.done ? this.#lastNumber : first.value - 1;
  }

  #answered(batch: OutgoingBatch): void {
    this.#unanswered.delete(batch.number);
    this.#inFlight--;
  }

  #afterAnswer(): void {
    this.#pump();
    if (this.#unanswered.size === 0) this.#holdWhileBusy();
  }

  #giveUp(batch: OutgoingBatch, windowMs: number): void {
    this.#unanswered.delete(batch.number);
    batch.reject(
      new ConnectionLost(
        `a publish was sent, and the connection lost for longer than the ${windowMs} ms in which it could be sent again safely (limits.producerWindowMs): whether it was stored is not known`,
        { details: { limit: 'producerWindowMs', value: windowMs } },
      ),
    );
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
