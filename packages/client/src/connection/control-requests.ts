import { ConnectionLost, RequestTimeout, type SimpleMQError } from '@simplemq/protocol';
import type { Link, LinkUser } from './link.ts';
import type { Session } from './session.ts';

export interface ControlRequest<R> {
  /** What is asked, as an error tells it: "to create the stream 'orders'". */
  readonly what: string;
  readonly opcode: number;
  readonly encode: (id: number) => Buffer;
  readonly decode: (payload: Buffer) => R;
  /** Whether asking twice is as good as once, so that it is sent again when the connection was lost meanwhile. */
  readonly repeatable: boolean;
}

interface Waiting {
  readonly request: ControlRequest<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
  sent: boolean;
}

/** Requests with one answer and a time limit. They wait for a connection where there is none. */
export class ControlRequests implements LinkUser {
  readonly #link: Link;
  readonly #waiting = new Set<Waiting>();
  #idle: (() => void)[] = [];

  constructor(link: Link) {
    this.#link = link;
    link.add(this);
  }

  send<R>(request: ControlRequest<R>): Promise<R> {
    if (this.#link.closed) return Promise.reject(new ConnectionLost('the connection was closed'));
    return new Promise((resolve, reject) => {
      const timeoutMs = this.#link.settings.requestTimeoutMs;
      const waiting: Waiting = {
        request: request as ControlRequest<unknown>,
        resolve: resolve as (value: unknown) => void,
        reject,
        timer: setTimeout(() => this.#timeOut(waiting), timeoutMs),
        sent: false,
      };
      this.#waiting.add(waiting);
      const session = this.#link.session;
      if (session !== undefined) this.#send(session, waiting);
      this.#link.hold();
    });
  }

  /** Resolves when every request so far was settled. */
  async settled(): Promise<void> {
    if (this.#waiting.size === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  opened(session: Session): void {
    for (const waiting of this.#waiting) if (!waiting.sent) this.#send(session, waiting);
  }

  lost(): void {}

  failed(error: SimpleMQError): void {
    for (const waiting of [...this.#waiting]) this.#finish(waiting, () => waiting.reject(error));
  }

  #send(session: Session, waiting: Waiting): void {
    waiting.sent = true;
    const { request } = waiting;
    const requester = {
      answered: (payload: Buffer) => {
        const value = request.decode(payload);
        this.#finish(waiting, () => waiting.resolve(value));
      },
      refused: (error: SimpleMQError) => {
        const again = error.code === 'ServerClosing' || (request.repeatable && session.closed);
        if (again && this.#link.settings.reconnect !== undefined && !this.#link.closed) waiting.sent = false;
        else this.#finish(waiting, () => waiting.reject(error));
      },
    };
    session.request(request.opcode, requester, request.encode);
  }

  #timeOut(waiting: Waiting): void {
    const { what } = waiting.request;
    const timeoutMs = this.#link.settings.requestTimeoutMs;
    const where = waiting.sent ? 'the broker did not answer' : 'there was no connection to a broker';
    const error = new RequestTimeout(
      `the request ${what} was given up after ${timeoutMs} ms: ${where} (requestTimeoutMs)`,
      { details: { limit: 'requestTimeoutMs', value: timeoutMs } },
    );
    this.#finish(waiting, () => waiting.reject(error));
  }

  #finish(waiting: Waiting, settle: () => void): void {
    if (!this.#waiting.delete(waiting)) return;
    clearTimeout(waiting.timer);
    settle();
    this.#link.release();
    if (this.#waiting.size > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle = [];
  }
}
