import { randomBytes } from 'node:crypto';
import { PRODUCER_ID_BYTES, PROTOCOL_VERSION, type SimpleMQError, type Welcome } from '@simplemq/protocol';
import type { ConnectionEmitter } from './events.ts';
import { type Settings, TIMER_MS_MAX } from './options.ts';
import { Session } from './session.ts';
import { unreachable } from './unreachable.ts';

/** What lives on a link and outlives its sessions. */
export interface LinkUser {
  /** A session is open: send (again) what waits. */
  opened(session: Session): void;
  /** The session is gone; there will be another. What was in flight on it was refused already. */
  lost(error: SimpleMQError): void;
  /** There will be no other: reject what waits. */
  failed(error: SimpleMQError): void;
}

/** A dial that takes longer has failed, in ms; the next try may find another address. */
const DIAL_TIMEOUT_MS = 10_000;
/** Errors that the next try would meet again. */
const FINAL_CODES: ReadonlySet<string> = new Set(['Unauthenticated', 'Unsupported', 'Forbidden']);

/**
 * Keeps one session open from the first need on: dials, and after a loss dials again with growing, random delays.
 *
 * Invariant: the process is kept alive by the link exactly while something holds it.
 */
export class Link {
  readonly settings: Settings;
  readonly events: ConnectionEmitter;
  readonly #producer: Buffer = randomBytes(PRODUCER_ID_BYTES);
  readonly #users = new Set<LinkUser>();
  #holds = 0;
  /** The session that is dialled, open or closing. */
  #current: Session | undefined;
  #retry: NodeJS.Timeout | undefined;
  #attempt = 0;
  /** When what is pending is given up because no session ever opened; undefined after the first. */
  #deadline: number | undefined;
  #everOpened = false;
  #closed = false;
  #welcome: Welcome | undefined;

  constructor(settings: Settings, events: ConnectionEmitter) {
    this.settings = settings;
    this.events = events;
  }

  /** The session that new requests may be sent on, if there is one now. */
  get session(): Session | undefined {
    return this.#current?.usable ? this.#current : undefined;
  }

  /** What the server told last; undefined before the first session. */
  get welcome(): Welcome | undefined {
    return this.#welcome;
  }

  get closed(): boolean {
    return this.#closed;
  }

  add(user: LinkUser): void {
    this.#users.add(user);
  }

  remove(user: LinkUser): void {
    this.#users.delete(user);
  }

  /** Something is pending: connects where needed, and keeps the process alive until released. */
  hold(): void {
    if (this.#holds++ === 0) {
      this.#current?.ref();
      this.#retry?.ref();
    }
    // Also where others hold it still: what they waited for was given up, and they have yet to let go.
    if (this.#current === undefined && this.#retry === undefined && !this.#closed) this.#dial();
  }

  release(): void {
    // A session that is being closed is waited for, whoever lets go of it meanwhile.
    if (--this.#holds > 0 || this.#closed) return;
    this.#current?.unref();
    this.#retry?.unref();
  }

  /** Ends for good. */
  close(error: SimpleMQError): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    for (const user of [...this.#users]) user.failed(error);
    const session = this.#current;
    if (session === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onClosed = resolve;
      session.ref();
      session.end();
      // A peer that does not close its side is not waited for.
      setTimeout(() => session.destroy(error), CLOSE_TIMEOUT_MS).unref();
    });
  }

  #onClosed: (() => void) | undefined;

  #dial(): void {
    const { endpoint, user, password, name, requestTimeoutMs } = this.settings;
    if (!this.#everOpened) this.#deadline ??= performance.now() + requestTimeoutMs;
    const hello = {
      version: PROTOCOL_VERSION,
      client: name,
      producer: this.#producer,
      features: [],
      ...(user !== undefined && { user }),
      ...(password !== undefined && { password }),
    };
    const left =
      this.#deadline === undefined ? DIAL_TIMEOUT_MS : Math.max(1, this.#deadline - performance.now());
    const session = new Session(
      endpoint,
      hello,
      Math.min(DIAL_TIMEOUT_MS, requestTimeoutMs, Math.ceil(left)),
      {
        opened: (opened) => this.#opened(opened),
        closing: (reason) => this.events.tell('closing', reason),
        closed: (error) => this.#lost(error),
      },
    );
    this.#current = session;
    if (this.#holds === 0) session.unref();
  }

  #opened(session: Session): void {
    this.#everOpened = true;
    this.#deadline = undefined;
    this.#attempt = 0;
    this.#welcome = session.welcome;
    this.events.tell('connected');
    for (const user of [...this.#users]) user.opened(session);
  }

  #lost(error: SimpleMQError): void {
    const wasOpen = this.#current?.welcomed === true;
    this.#current = undefined;
    if (this.#closed) {
      this.#onClosed?.();
      return;
    }
    if (wasOpen) this.events.tell('disconnected', error);
    const final = FINAL_CODES.has(error.code) || this.settings.reconnect === undefined;
    const tooLate = this.#deadline !== undefined && performance.now() >= this.#deadline;
    if (final || tooLate) {
      this.#giveUp(error);
      return;
    }
    // First, or who needs it again when told so would dial beside it.
    this.#scheduleRetry(error);
    if (wasOpen) for (const user of [...this.#users]) user.lost(error);
  }

  #scheduleRetry(error: SimpleMQError): void {
    const { minDelayMs, maxDelayMs } = this.settings.reconnect!;
    const ceiling = Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(this.#attempt, 30));
    // Who comes too soon is only told so again.
    const askedMs = typeof error.details.retryAfterMs === 'number' ? error.details.retryAfterMs : 0;
    let delayMs = Math.min(TIMER_MS_MAX, Math.ceil(askedMs + Math.random() * ceiling));
    this.#attempt++;
    if (this.#deadline !== undefined) {
      delayMs = Math.min(delayMs, Math.max(0, Math.ceil(this.#deadline - performance.now())));
    }
    this.events.tell('reconnecting', this.#attempt, delayMs);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (this.#deadline !== undefined && performance.now() >= this.#deadline) this.#giveUp(error);
      else this.#dial();
    }, delayMs);
    if (this.#holds === 0) this.#retry.unref();
  }

  /** Back to the start: the next need dials again. */
  #giveUp(error: SimpleMQError): void {
    const told = this.#everOpened ? error : unreachable(error, this.settings.endpoint);
    this.#deadline = undefined;
    this.#attempt = 0;
    this.#everOpened = false;
    this.events.tell('error', told);
    for (const user of [...this.#users]) user.failed(told);
  }
}

/** Milliseconds that closing may take before the socket is destroyed. */
const CLOSE_TIMEOUT_MS = 1_000;
