import type { Socket } from 'node:net';
import { type SimpleMQError, TooManyConnections } from '@simplemq/protocol';
import { Heartbeats } from './heartbeats.ts';
import { Session, type SessionShared } from './session.ts';

/** The connections of a server, from accept to close. */
export class Sessions {
  readonly #shared: SessionShared;
  readonly #sessions = new Set<Session>();
  readonly #heartbeats: Heartbeats;
  #nextId = 1;
  #onEmpty: (() => void)[] = [];

  constructor(shared: Omit<SessionShared, 'onClosed'>) {
    this.#shared = { ...shared, onClosed: (session) => this.#closed(session) };
    this.#heartbeats = new Heartbeats(this.#sessions, shared.settings.heartbeatMs);
  }

  get size(): number {
    return this.#sessions.size;
  }

  readonly accept = (socket: Socket): void => {
    if (socket.destroyed) return;
    const { maxConnections } = this.#shared.settings.limits;
    const isFull = this.#sessions.size >= maxConnections;
    const session = new Session(this.#nextId++, socket, this.#shared);
    if (!isFull) {
      this.#sessions.add(session);
      return;
    }
    session.refuse(
      new TooManyConnections(
        `the server has ${maxConnections} connections, as many as it takes (limits.maxConnections)`,
        { details: { limit: 'maxConnections', value: maxConnections } },
      ),
    );
  };

  /** The users have changed; see Session.checkStanding. */
  checkStandings(): void {
    for (const session of this.#sessions) session.checkStanding();
  }

  /** The settings are not what they were. */
  settingsChanged(): void {
    this.#heartbeats.look(this.#shared.settings.heartbeatMs);
  }

  /** Every client is told that the server closes; see Session.drain. */
  drain(reason: string, failure?: SimpleMQError): void {
    for (const session of this.#sessions) session.drain(reason, failure);
  }

  /** Flushes and closes every connection. */
  end(reason: string): void {
    this.#heartbeats.stop();
    for (const session of this.#sessions) session.end(reason);
  }

  /** Cuts those that are still there. */
  destroy(reason: string): void {
    for (const session of this.#sessions) session.destroy(reason);
  }

  whenEmpty(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#sessions.size === 0) resolve();
      else this.#onEmpty.push(resolve);
    });
  }

  #closed(session: Session): void {
    this.#sessions.delete(session);
    if (this.#sessions.size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve();
  }
}
