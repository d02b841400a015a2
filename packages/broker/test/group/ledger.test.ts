import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SteadyClock } from '../../src/clock.ts';
import { messagesOf, type Waiting } from '../../src/group/entry.ts';
import { Ledger, type LedgerChanges } from '../../src/group/ledger.ts';
import { Membership } from '../../src/group/membership.ts';
import { WINDOW_SEQUENCES, windowOf } from '../../src/group/pending-entries.ts';
import { decodeWindowState, type StoredWindowState, WINDOW_FORMAT } from '../../src/group/window-state.ts';

/** A message that was read and is not done: who has it, and the attempt that it is in or will be in. */
interface Entry {
  holder: number | undefined;
  attempt: number;
}

/** A ledger, what it should say, and what of it a store has. */
class Books {
  readonly ledger = new Ledger({
    readPosition: 1,
    ordinal: 0,
    clock: new SteadyClock({ clockOffsetMs: 0, clockSteadyMs: 0 }),
  });
  readonly entries = new Map<number, Entry>();
  readonly members = [0, 1, 2].map(() => new Membership(NOBODY, () => {}));
  readonly windows = new Map<number, StoredWindowState>();
  next = 1;
  /** Done since the last seal. */
  done: number[] = [];

  isDone(sequence: number): boolean {
    return sequence < this.next && !this.entries.has(sequence);
  }
}

const NOBODY = {
  id: 1,
  client: 'test',
  leaseMs: 1_000_000,
  capacity: 0,
  bytesCapacity: 0,
  deliver: () => {},
  waitFor: () => {},
  loaded: () => {},
};
const TIMES = { deliveredAt: 0, deadline: 2 ** 30 };

type Act = (books: Books) => void;

const who: fc.Arbitrary<number> = fc.nat(2);
const count: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1, max: 9 }),
  fc.integer({ min: 1, max: 1_500 }),
);

const leaseFresh = fc.tuple(who, count).map(([member, length]): Act => {
  return ({ ledger, entries, members, ...books }) => {
    ledger.leaseFresh(members[member]!, length, TIMES);
    for (let i = 0; i < length; i++) entries.set(books.next + i, { holder: member, attempt: 1 });
  };
});

const leaseWaiting = fc.tuple(who, count).map(([member, length]): Act => {
  return ({ ledger, entries, members }) => {
    const range = ledger.queue.peek(Number.MAX_SAFE_INTEGER);
    if (range === undefined) return;
    const taken = Math.min(length, range.last - range.first + 1);
    ledger.leaseWaiting(members[member]!, taken, TIMES);
    for (let sequence = range.first; sequence < range.first + taken; sequence++) {
      const entry = entries.get(sequence)!;
      expect(entry).toEqual({ holder: undefined, attempt: range.state.attempt });
      entry.holder = member;
    }
  };
});

const settle = fc
  .tuple(who, fc.integer({ min: 1, max: 4_000 }), count, fc.constantFrom(1, 1, 2, 3), fc.nat(3))
  .map(([member, at, length, attempt, verb]): Act => {
    return ({ ledger, entries, members, done }) => {
      const membership = members[member]!;
      const range = { first: at, last: at + length - 1 };
      const waiting: Waiting = { kind: 'waiting', attempt: attempt + (verb & 1), dueAt: 0, deliveredAt: 0 };
      const change =
        verb === 3
          ? ledger.extend(membership, range, attempt, TIMES)
          : verb === 2
            ? ledger.ack(membership, range, attempt)
            : ledger.giveBack(membership, range, attempt, waiting);
      let changed = 0;
      for (let sequence = range.first; sequence <= range.last; sequence++) {
        const entry = entries.get(sequence);
        if (entry?.holder !== member || entry.attempt !== attempt) continue;
        changed++;
        if (verb === 2) {
          entries.delete(sequence);
          done.push(sequence);
        } else if (verb < 2) entries.set(sequence, { holder: undefined, attempt: waiting.attempt });
      }
      expect(change.changed.reduce((sum, { first, last }) => sum + last - first + 1, 0)).toBe(changed);
    };
  });

const endLease = who.map((member): Act => {
  return ({ ledger, entries, members }) => {
    const lease = members[member]!.leases.oldest;
    if (lease === undefined) return;
    const before = ledger.queue.messages;
    const spans = ledger.endLease(lease, {
      kind: 'waiting',
      attempt: lease.attempt + 1,
      dueAt: 0,
      deliveredAt: 0,
    });
    expect(ledger.queue.messages - before).toBe(messagesOf(spans));
    // Which of the member's messages were of that lease, only the ledger knows: it is asked.
    for (const { first, last, state } of ledger.pending.spansFrom(1)) {
      if (state.kind !== 'waiting') continue;
      for (let sequence = first; sequence <= last; sequence++) {
        const entry = entries.get(sequence)!;
        if (entry.holder !== undefined) {
          expect(entry).toEqual({ holder: member, attempt: lease.attempt });
          entries.set(sequence, { holder: undefined, attempt: lease.attempt + 1 });
        }
      }
    }
  };
});

const skip = count.map(
  (length): Act =>
    (books) => {
      books.ledger.skipTo(books.next + length, books.ledger.ordinal);
    },
);

const purge = fc.constant((books: Books) => {
  books.ledger.purge(books.next, books.ledger.ordinal);
  books.entries.clear();
});

const purgePart = count.map((length): Act => {
  return ({ ledger, entries }) => {
    const from = ledger.ackFloor + length;
    ledger.purge(from, ledger.ordinal);
    for (const sequence of [...entries.keys()]) if (sequence < from) entries.delete(sequence);
  };
});

const strike = fc.tuple(fc.nat(20), count).map(([skipped, length]): Act => {
  return ({ ledger, entries, done }) => {
    const first = ledger.ackFloor + 1 + skipped;
    const struck = ledger.strike({ first, last: first + length - 1 });
    for (const span of struck) {
      for (let sequence = span.first; sequence <= span.last; sequence++) {
        expect(span.state.attempt).toBe(entries.get(sequence)!.attempt);
        entries.delete(sequence);
        done.push(sequence);
      }
    }
    for (const sequence of entries.keys()) expect(sequence < first || sequence >= first + length).toBe(true);
  };
});

const reset = count.map((length): Act => {
  return (books) => {
    const to = Math.max(1, books.next - length);
    books.ledger.reset(to, to - 1);
    books.entries.clear();
    books.done = books.done.filter((sequence) => sequence < to);
  };
});

const park = count.map((length): Act => {
  return ({ ledger, entries }) => {
    const { first, last } = ledger.parkFresh(length);
    for (let sequence = first; sequence <= last; sequence++)
      entries.set(sequence, { holder: undefined, attempt: 1 });
    ledger.enqueueIdle({ first, last }, 0);
  };
});

/** What was acked is taken back, as when its transaction was refused. */
const revoke = fc.tuple(who, count).map(([member, length]): Act => {
  return ({ ledger, entries, members }) => {
    const lease = members[member]!.leases.oldest;
    if (lease === undefined) return;
    const { first, attempt } = lease;
    const { changed } = ledger.ack(
      members[member]!,
      { first, last: Math.min(lease.last, first + length) },
      attempt,
    );
    ledger.revive(changed, { kind: 'waiting', attempt: attempt + 1, dueAt: 0, deliveredAt: 0 });
    for (const span of changed) {
      for (let sequence = span.first; sequence <= span.last; sequence++)
        entries.set(sequence, { holder: undefined, attempt: attempt + 1 });
    }
  };
});

const seal = fc.boolean().map((isRefused): Act => {
  return (books) => {
    const changes = books.ledger.seal();
    if (isRefused) books.ledger.unseal(changes);
    else store(books, changes);
  };
});

/** What a store does with it, and what must be right in it then. */
function store(books: Books, changes: LedgerChanges): void {
  const { windows, entries, done } = books;
  for (const { window, state } of changes.windows) windows.set(window, { format: WINDOW_FORMAT, state });
  for (const window of changes.droppedWindows) windows.delete(window);
  for (const { first, last } of changes.gaps) {
    for (let sequence = first; sequence <= last; sequence++) {
      if (!books.isDone(sequence)) throw new Error(`${sequence} is to be removed and is not done`);
    }
  }
  // A batch whose last message was done since the last time is to go whole.
  for (const sequence of done) {
    let [first, last] = [sequence, sequence];
    while (first > 1 && sequence - first < 200 && books.isDone(first - 1)) first--;
    while (last - sequence < 200 && books.isDone(last + 1)) last++;
    expect(changes.gaps.some((gap) => gap.first <= first && last <= gap.last)).toBe(true);
  }
  books.done.length = 0;
  expect(changes.ackFloor).toBe(Math.min(...entries.keys(), books.next) - 1);
  expect(restored(books, changes)).toEqual(afterRestart(entries));
  for (const window of windows.keys())
    expect((window + 1) * WINDOW_SEQUENCES).toBeGreaterThan(changes.ackFloor);
}

/** The pending messages that an engine would find, and their next attempts. */
function restored({ windows }: Books, { ackFloor, readPosition }: LedgerChanges): number[][] {
  const found: number[][] = [];
  for (let window = windowOf(ackFloor + 1); window <= windowOf(readPosition); window++) {
    const spans = decodeWindowState(window, windows.get(window), ackFloor + 1, readPosition);
    for (const { first, last, nextAttempt } of spans) {
      for (let sequence = first; sequence <= last; sequence++) found.push([sequence, nextAttempt]);
    }
  }
  return found;
}

function afterRestart(entries: ReadonlyMap<number, Entry>): number[][] {
  return [...entries]
    .sort(([a], [b]) => a - b)
    .map(([sequence, { holder, attempt }]) => [sequence, holder === undefined ? attempt : attempt + 1]);
}

function check({ ledger, entries, members, next }: Books): void {
  expect(ledger.readPosition).toBe(next);
  expect(ledger.pending.size).toBe(entries.size);
  const live = members.map(() => 0);
  let waiting = 0;
  for (const { first, last, state } of ledger.pending.spansFrom(1)) {
    const holder = state.kind === 'lease' ? members.indexOf(state.holder as Membership) : undefined;
    for (let sequence = first; sequence <= last; sequence++) {
      const entry = entries.get(sequence);
      if (entry?.holder !== holder || entry?.attempt !== state.attempt)
        throw new Error(`${sequence} is wrong`);
    }
    if (holder === undefined) waiting += last - first + 1;
    else live[holder]! += last - first + 1;
  }
  expect(ledger.queue.messages).toBe(waiting);
  // No lease is kept that has nothing, and none is lost that has something.
  members.forEach(({ leases }, index) => {
    for (let lease = leases.oldest; lease !== undefined; lease = lease.next) {
      expect(lease.live).toBeGreaterThan(0);
      live[index]! -= lease.live;
    }
    expect(live[index]).toBe(0);
  });
}

describe('a ledger', () => {
  test('is right about every message after every step, and so is what it stores', () => {
    const moves = [leaseFresh, leaseFresh, leaseWaiting, settle, settle, endLease, seal, skip, park];
    const act = fc.oneof(...moves, revoke, purge, purgePart, strike, reset);
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
        const books = new Books();
        try {
          for (const each of acts) {
            each(books);
            books.next = books.ledger.readPosition;
            check(books);
          }
        } finally {
          for (const member of books.members) member.stop();
        }
      }),
      { numRuns: 500 },
    );
  });

  test('takes back 130,000 runs of acks that there was no room to store', () => {
    const { ledger, members } = new Books();
    const member = members[0]!;
    ledger.leaseFresh(member, 260_000, TIMES);
    for (let first = 2; first <= 260_000; first += 2) ledger.ack(member, { first, last: first }, 1);
    ledger.unseal(ledger.seal());
    expect(ledger.seal().done).toHaveLength(130_000);
    member.stop();
  });
});
