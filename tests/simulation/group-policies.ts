import type { GroupOptions } from '@simplemq/protocol';

const MAX_DELIVERIES_DEFAULT = 20;

interface Policy {
  readonly options: GroupOptions;
  /** It was in force until then, for sure not longer, in ms since the run began. */
  until: number;
}

/** What a group is told to do with its messages, as it changes. */
export class GroupPolicies {
  readonly #policies: Policy[];

  constructor(options: GroupOptions) {
    this.#policies = [{ options, until: Number.POSITIVE_INFINITY }];
  }

  /** Those of which one is in force; nobody knows which after an update without an answer. */
  get candidates(): readonly GroupOptions[] {
    return this.#policies
      .filter(({ until }) => until === Number.POSITIVE_INFINITY)
      .map(({ options }) => options);
  }

  /** To be called right before the broker is asked. @returns what is to be called when it has done it */
  asked(changed: GroupOptions): (now: number) => void {
    const before = this.candidates[0] ?? {};
    const retry = { ...before.retry, ...changed.retry };
    const policy = { options: { ...before, ...changed, retry }, until: Number.POSITIVE_INFINITY };
    const earlier = this.#policies.slice();
    this.#policies.push(policy);
    return (now) => {
      for (const other of earlier) other.until = Math.min(other.until, now);
    };
  }

  /** The most deliveries that were allowed at some time since then. */
  mostSince(time: number): number {
    return Math.max(...this.#policies.filter(({ until }) => until >= time).map(deliveriesOf));
  }

  /** The fewest deliveries after which a message may have died, at any time. */
  get fewest(): number {
    return Math.min(...this.#policies.map(deliveriesOf));
  }

  /** Whether a group with these settings is as it may be. */
  allow(settings: GroupOptions): boolean {
    return this.candidates.some(
      ({ retry = {}, ...rest }) => isWithin(rest, settings) && isWithin(retry, settings.retry ?? {}),
    );
  }
}

function deliveriesOf({ options: { retry } }: Policy): number {
  return retry?.maxDeliveries ?? MAX_DELIVERIES_DEFAULT;
}

function isWithin(some: object, all: object): boolean {
  return Object.entries(some).every(([name, value]) => all[name as keyof typeof all] === value);
}
