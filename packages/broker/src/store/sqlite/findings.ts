/** Something in a data folder that is not as it was written. */
export interface Finding {
  /** The stream of which messages are damaged; absent when it is not about messages. */
  readonly stream?: string;
  readonly lane?: number;
  readonly first?: number;
  readonly last?: number;
  /** The id of delayed messages, which have no sequence numbers yet. */
  readonly delayedId?: number;
  /** Of that lane, from `first` to `last`. */
  readonly messages?: number;
  readonly file: string;
  readonly byte?: number;
  readonly why: string;
  /** Whether a broker has found it already, and does without; in milliseconds since 1970 UTC. */
  readonly setAsideAt?: number;
}

/** Messages of a lane. */
type Run = Finding & Required<Pick<Finding, 'stream' | 'lane' | 'first' | 'last' | 'messages'>>;

/** What was found, in that order. Runs of a lane that follow one another and are damaged alike are one finding. */
export class FindingList {
  readonly #findings: Finding[] = [];
  /** The last run of each lane and reason: where it is among the findings, and where the next would have to begin. */
  readonly #runs = new Map<string, { readonly at: number; readonly end: number }>();

  get all(): readonly Finding[] {
    return this.#findings;
  }

  add(finding: Finding): void {
    this.#findings.push(finding);
  }

  /** Adds it to the run that ends where it begins, if there is one; `begin` and `end` count what is in the lane. */
  addRun(run: Run, begin: number, end: number): void {
    const { stream, lane, last, messages, why } = run;
    const key = JSON.stringify([stream, lane, why]);
    const before = this.#runs.get(key);
    const isNext = before?.end === begin;
    const at = isNext ? before.at : this.#findings.length;
    if (isNext) {
      const whole = this.#findings[at] as Run;
      this.#findings[at] = { ...whole, last, messages: whole.messages + messages };
    } else this.#findings.push(run);
    this.#runs.set(key, { at, end });
  }
}
