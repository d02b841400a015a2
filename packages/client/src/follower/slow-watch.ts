/** Milliseconds between two looks. */
const LOOK_MS = 25;
/** So many looks without a message finished mean that the handler is slow. */
const LOOKS_MAX = 2;

export interface Watched {
  /** A number that changes with every finished message. */
  progress(): number;
  /** Whether messages wait. When none do the watch ends; `start` begins another. */
  waiting(): boolean;
  /** Whether a message is in hand. */
  busy(): boolean;
  slow(): void;
}

/** Looks now and then whether the handler moves while messages wait behind it. Costs nothing while none do. */
export class SlowWatch {
  readonly #watched: Watched;
  #timer: NodeJS.Timeout | undefined;
  #progress = 0;
  #looks = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#progress = this.#watched.progress();
    this.#looks = 0;
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    if (!this.#watched.waiting()) {
      this.stop();
      return;
    }
    const progress = this.#watched.progress();
    this.#looks = progress === this.#progress ? this.#looks + 1 : 0;
    this.#progress = progress;
    if (this.#looks >= LOOKS_MAX && this.#watched.busy()) this.#watched.slow();
  }
}
