import { isIPv6 } from 'node:net';

export interface BackOffOptions {
  /** Failures that cost nothing. */
  readonly free: number;
  /** Keys that are remembered; past it those that failed longest ago are forgotten. */
  readonly keysMax: number;
}

interface Failures {
  count: number;
  lastMs: number;
}

const FIRST_MS = 500;
const LONGEST_MS = 30_000;
/** Failures are forgotten when there was no other for so long. */
const FORGET_MS = 10 * 60_000;

/**
 * How long a key (a user, an address) has to wait after so many failures: twice as long with each.
 *
 * Invariant: the keys are in the order of their last failure, and never more than the limit.
 */
export class BackOff {
  readonly #options: BackOffOptions;
  readonly #failures = new Map<string, Failures>();

  constructor(options: BackOffOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#failures.size;
  }

  /** Milliseconds that are still to be waited; 0 when none are. */
  waitMs(key: string, nowMs: number): number {
    const failures = this.#failures.get(key);
    if (failures === undefined || nowMs - failures.lastMs >= FORGET_MS) return 0;
    const excess = failures.count - this.#options.free;
    if (excess <= 0) return 0;
    const delayMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(excess - 1, 30));
    return Math.max(0, failures.lastMs + delayMs - nowMs);
  }

  failed(key: string, nowMs: number): void {
    const before = this.#failures.get(key);
    const isRecent = before !== undefined && nowMs - before.lastMs < FORGET_MS;
    this.#failures.delete(key);
    this.#failures.set(key, { count: (isRecent ? before.count : 0) + 1, lastMs: nowMs });
    if (this.#failures.size <= this.#options.keysMax) return;
    for (const oldest of this.#failures.keys()) {
      this.#failures.delete(oldest);
      break;
    }
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }
}

/** What addresses are told apart by: one client has 2^64 of version 6, so those count as one. */
export function addressKey(address: string): string {
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  if (!isIPv6(address)) return address;
  return `${groupsOf(address).slice(0, 4).join(':')}::/64`;
}

/** The eight groups of an address of version 6. */
function groupsOf(address: string): string[] {
  const [head = '', tail] = address.split('%', 1)[0]!.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  return [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after];
}
