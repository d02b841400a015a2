import { requireValid } from './require-valid.ts';
import type { StandardSchema } from './standard-schema.ts';

/**
 * Lets only valid bodies be sent. A validator may take its time; whatever is sent after what it looks at waits.
 *
 * Invariant: `send` functions are called in the order of the calls of `pass`.
 */
export class SendGate {
  readonly #schema: StandardSchema<unknown, unknown>;
  /** Resolves when everything that waits was passed on or refused; undefined when nothing waits. */
  #last: Promise<void> | undefined;

  readonly #onIdle: () => void;

  /** @param onIdle called when nothing waits any more */
  constructor(schema: StandardSchema<unknown, unknown>, onIdle: () => void) {
    this.#schema = schema;
    this.#onIdle = onIdle;
  }

  /** Whether something waits. */
  get isBusy(): boolean {
    return this.#last !== undefined;
  }

  /**
   * Calls `send` when all `bodies` are valid.
   *
   * @throws InvalidOption, with the issues; whatever the validator throws
   */
  pass<R>(bodies: readonly unknown[], send: () => Promise<R>): Promise<R> {
    let checked: Promise<void> | undefined;
    try {
      checked = requireValid(this.#schema, bodies);
    } catch (error) {
      return Promise.reject(error);
    }
    if (checked === undefined && this.#last === undefined) return send();
    const sent = Promise.allSettled([checked, this.#last]).then(([own]) => {
      if (own.status === 'rejected') throw own.reason;
      // In an object, so that the next is sent when this one was, and not only when it was confirmed.
      return { receipt: send() };
    });
    const last: Promise<void> = sent.then(nothing, nothing).then(() => {
      if (this.#last !== last) return;
      this.#last = undefined;
      this.#onIdle();
    });
    this.#last = last;
    return sent.then(({ receipt }) => receipt);
  }

  /** Resolves when nothing waits to be validated. */
  async settled(): Promise<void> {
    while (this.#last !== undefined) await this.#last;
  }
}

function nothing(): void {}
