import type { SimpleMQError } from '@simplemq/protocol';
import type { Run } from './run.ts';
import type { SettlementBatch } from './settlement-batch.ts';

/**
 * A promise that is made only when somebody awaits it: most acks are not awaited, and a promise for each would cost more
 * than all the rest of an ack. Not awaited it can never be an unhandled rejection.
 */
abstract class LazyPromise implements Promise<void> {
  #promise: Promise<void> | undefined;

  get [Symbol.toStringTag](): string {
    return 'Promise';
  }

  protected abstract begin(): Promise<void>;

  // biome-ignore lint/suspicious/noThenProperty: being awaited is what it is for
  then<A = void, B = never>(
    // biome-ignore lint/suspicious/noConfusingVoidType: Promise<void> has it so
    onResolved?: ((value: void) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#promise ??= this.begin();
    return this.#promise.then(onResolved, onRejected);
  }

  // biome-ignore lint/suspicious/noConfusingVoidType: Promise<void> has it so
  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<void | B> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<void> {
    return this.then().finally(onFinally);
  }
}

/** Settles when the frame that carries it was answered. */
export class Settlement extends LazyPromise {
  readonly #batch: SettlementBatch;
  readonly #run: Run<unknown>;
  readonly #sequence: number;

  constructor(batch: SettlementBatch, run: Run<unknown>, sequence: number) {
    super();
    this.#batch = batch;
    this.#run = run;
    this.#sequence = sequence;
  }

  protected begin(): Promise<void> {
    return this.#batch.watch(this.#run.stream, this.#sequence, this.#run.attempt);
  }
}

/** A settlement that was refused without being sent. `tell` is called when nobody awaits it by the end of the turn. */
export class RefusedSettlement extends LazyPromise {
  readonly #error: SimpleMQError;
  #awaited = false;

  constructor(error: SimpleMQError, tell: () => void) {
    super();
    this.#error = error;
    process.nextTick(() => {
      if (!this.#awaited) tell();
    });
  }

  protected begin(): Promise<void> {
    this.#awaited = true;
    return Promise.reject(this.#error);
  }
}
