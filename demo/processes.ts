import { Child } from './child.ts';

/** All processes of the demo, so that none of them outlives it. */
export class Processes implements AsyncDisposable {
  readonly #children = new Set<Child<never>>();
  readonly #failure = Promise.withResolvers<never>();
  #isOver = false;

  constructor() {
    // It may come when nobody listens any more.
    this.#failure.promise.catch(() => {});
  }

  /** Rejects when one of them ends that should not, or when `fail` is called; never resolves. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  fail(error: Error): void {
    this.#failure.reject(error);
  }

  /** @param script beside this file */
  start<Message>(
    name: string,
    script: string,
    argument: object,
    onMessage: (message: Message) => void,
  ): Child<Message> {
    if (this.#isOver) throw new Error('the demo is over');
    const child = new Child<Message>(name, script, argument, onMessage, (error) => this.fail(error));
    this.#children.add(child as unknown as Child<never>);
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await Promise.all([...this.#children].map((child) => child.kill()));
  }
}
