import type { Publisher, Receipt, SendOptions } from '@simplemq/client';
import type { OwnOptions } from './send-flags.ts';
import type { Tally } from './tally.ts';

/** What may be sent and not confirmed. The publisher would keep what is more in memory, so nothing more is read. */
const MESSAGES_MAX = 32_768;
const BYTES_MAX = 16 * 1024 * 1024;

/** Sends messages block by block, and no more of them than may be in flight. Stops at the first that is refused. */
export class Sender {
  readonly #publisher: Publisher;
  readonly #options: SendOptions;
  readonly #tally: Tally;
  readonly #onConfirmed: (bytes: number) => void;
  #messages = 0;
  #bytes = 0;
  #failure: { readonly error: unknown } | undefined;
  #waiter: (() => void) | undefined;
  readonly #failed = new AbortController();

  /** All are sent with `options`; `onConfirmed` is told what a block took in the input, once all its messages are confirmed. */
  constructor(
    publisher: Publisher,
    options: SendOptions,
    tally: Tally,
    onConfirmed: (bytes: number) => void,
  ) {
    this.#publisher = publisher;
    this.#options = options;
    this.#tally = tally;
    this.#onConfirmed = onConfirmed;
  }

  /** Aborted when a message was refused: there is no use in reading on. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** Why the first message that was refused was refused. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /**
   * Sends `bodies`, which took `bytes` in the input; `own` is what each has of its own, where they have. Resolves when
   * there is room for more.
   */
  async send(bodies: readonly unknown[], bytes: number, own?: readonly OwnOptions[]): Promise<void> {
    if (bodies.length === 0) return this.#onConfirmed(bytes);
    let left = bodies.length;
    const settle = () => {
      this.#messages--;
      if (--left === 0) {
        this.#bytes -= bytes;
        if (this.#failure === undefined) this.#onConfirmed(bytes);
      }
      this.#wake();
    };
    const confirmed = (receipt: Receipt) => {
      this.#tally.add(receipt);
      settle();
    };
    const refused = (error: unknown) => {
      this.#failure ??= { error };
      settle();
      this.#failed.abort();
    };
    this.#messages += bodies.length;
    this.#bytes += bytes;
    this.#tally.sent += bodies.length;
    for (const [index, body] of bodies.entries()) {
      const options = own === undefined ? this.#options : { ...this.#options, ...own[index] };
      this.#publisher.sendMessage(body, options).then(confirmed, refused);
    }
    await this.#until(() => this.#messages < MESSAGES_MAX && this.#bytes < BYTES_MAX);
  }

  /** Resolves when nothing is in flight. */
  settled(): Promise<void> {
    return this.#until(() => this.#messages === 0);
  }

  async #until(isReached: () => boolean): Promise<void> {
    while (!isReached()) {
      await new Promise<void>((resolve) => {
        this.#waiter = resolve;
      });
    }
  }

  #wake(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.();
  }
}
