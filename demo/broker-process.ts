import type { Child } from './child.ts';
import type { BrokerArguments, BrokerMessage } from './messages.ts';
import type { Processes } from './processes.ts';

export type BrokerState = 'starting' | 'up' | 'killed' | 'recovering';

/** The broker's process, and the next one on the same folder and port after it was killed. */
export class BrokerProcess {
  state: BrokerState = 'starting';
  memoryBytes = 0;
  readonly #path: string;
  readonly #processes: Processes;
  #child: Child<BrokerMessage> | undefined;
  #port = 0;

  constructor(path: string, processes: Processes) {
    this.#path = path;
    this.#processes = processes;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** @returns milliseconds from nothing to a broker that takes connections */
  async start(): Promise<number> {
    this.state = this.#port === 0 ? 'starting' : 'recovering';
    const began = performance.now();
    const listening = Promise.withResolvers<number>();
    const options: BrokerArguments = { port: this.#port, path: this.#path };
    this.#child = this.#processes.start<BrokerMessage>('broker', 'broker.ts', options, (message) => {
      if (message.kind === 'listening') listening.resolve(message.port);
      else this.memoryBytes = message.bytes;
    });
    this.#port = await listening.promise;
    this.state = 'up';
    return performance.now() - began;
  }

  /** Ends it as a crash does: no warning, no clean-up. */
  async kill(): Promise<void> {
    this.state = 'killed';
    await this.#child?.kill();
    this.memoryBytes = 0;
  }
}
