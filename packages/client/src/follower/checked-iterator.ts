import type { BodyCheck } from '../schema/body-check.ts';
import type { Message } from './message.ts';
import type { MessageIterator } from './message-iterator.ts';

type Result<T> = IteratorResult<Message<T>, undefined>;

/** Gives out the valid messages of another iterator. The next is taken from it only when the last was looked at. */
export class CheckedIterator<T> implements AsyncIterableIterator<Message<T>, undefined> {
  readonly #messages: MessageIterator<T>;
  readonly #check: BodyCheck<T>;
  /** Settles when every next() so far has. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(messages: MessageIterator<T>, check: BodyCheck<T>) {
    this.#messages = messages;
    this.#check = check;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result<T>> {
    const result = this.#last.then(() => this.#next());
    this.#last = result.catch(() => undefined);
    return result;
  }

  return(): Promise<Result<T>> {
    return this.#messages.return();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#messages[Symbol.asyncDispose]();
  }

  async #next(): Promise<Result<T>> {
    for (;;) {
      const result = await this.#messages.next();
      if (result.done === true || (await this.#check.accepts(result.value))) return result;
    }
  }
}
