import type { Member } from './member.ts';
import type { Entry } from './publication.ts';
import { type Next, Trail } from './trail.ts';

/** A delivery that failed, as a dead letter has to tell. */
export interface Failed {
  readonly attempt: number;
  readonly cause: 'nack' | 'expired' | 'disconnected' | 'rejected';
  /** Absent where the broker words it. */
  readonly error?: string;
  readonly tick: number;
}

/** How far a group is with a message that it was given. */
export interface Progress {
  readonly entry: Entry;
  readonly trail: Trail;
  /**
   * `settling`: an ack was asked for. `dying`: it goes to the dead letters, or is there. `done`: it must never come again.
   * `free`: it may come or not, as others were done with it about when the group began.
   */
  state: 'held' | 'waiting' | 'settling' | 'dying' | 'done' | 'free';
  /** Of the last delivery; 0 when there was none. */
  attempt: number;
  /** While it waits: what may come next. */
  next: ReadonlySet<Next>;
  holder: Member | undefined;
  /** When the holder's lease ends, and before when it must not come again; by performance.now(). */
  deadline: number;
  notBefore: number;
  failures: Failed[];
  /** Whether it is in the dead letters, or was until somebody took it from there. */
  isBuried: boolean;
}

export function newProgress(entry: Entry): Progress {
  return {
    entry,
    trail: new Trail(),
    state: 'waiting',
    attempt: 0,
    next: new Set([1]),
    holder: undefined,
    deadline: 0,
    notBefore: 0,
    failures: [],
    isBuried: false,
  };
}

/** Whether it was delivered and is not done, for certain. */
export function isOut({ state, attempt, next }: Progress): boolean {
  if (state === 'held') return true;
  if (state !== 'waiting' || attempt === 0) return false;
  return [...next].every((each) => typeof each === 'number' && each > 1);
}

/** Its broker was stopped, and is there again: what was stored up to this tick has happened. */
export function recover(progress: Progress, stored: number, maxDeliveries: number): void {
  const next = new Set(
    [...progress.trail.possible(stored)].map((each) =>
      typeof each === 'number' && each > maxDeliveries ? 'dead' : each,
    ),
  );
  const [only] = next;
  const isSure = next.size === 1;
  progress.holder = undefined;
  progress.next = next;
  progress.trail.settle(next);
  progress.state = isSure && only === 'done' ? 'done' : isSure && only === 'dead' ? 'dying' : 'waiting';
  progress.failures = progress.failures.filter(({ tick }) => tick <= stored);
}
