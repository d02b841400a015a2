import { FakeStore } from './fake-store.ts';
import { turns } from './test-engine.ts';

/** Once it is told to be stepwise, each commit waits until it is let go, or refused. */
export class StepwiseStore extends FakeStore {
  isStepwise = false;
  readonly #waiting: PromiseWithResolvers<void>[] = [];

  override beforeCommit = async (): Promise<void> => {
    if (!this.isStepwise) return;
    const step = Promise.withResolvers<void>();
    this.#waiting.push(step);
    await step.promise;
  };

  /** The commit that has waited longest is done, or fails so; and what follows from that. */
  async step(error?: Error): Promise<void> {
    await turns(5);
    const step = this.#waiting.shift()!;
    if (error === undefined) step.resolve();
    else step.reject(error);
    await turns(5);
  }
}
