import fc from 'fast-check';
import type { Room } from './one-run.ts';

export type Settlement = 'ack' | 'fail' | 'reject' | 'transact';
export type Place = 'first' | 'new';

/** As plain data, so that a failure tells them. */
export type Step =
  | Publish
  | { readonly do: 'settle'; readonly how: Settlement; readonly count: number }
  | { readonly do: 'begin'; readonly group: string; readonly at: Place }
  | { readonly do: 'delete'; readonly group: string }
  | { readonly do: 'update'; readonly group: string; readonly maxDeliveries: number }
  | { readonly do: 'limit'; readonly maxMessages: number }
  | { readonly do: 'redrive' | 'delete dead letters'; readonly limit: number }
  | { readonly do: 'purge' | 'purge dead letters'; readonly back: number }
  | { readonly do: 'cancel'; readonly count: number }
  | { readonly do: 'pause'; readonly turns: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'room'; readonly room: Room }
  | Plain;

interface Plain {
  readonly do: 'publish to the other' | 'make the other anew' | 'answers' | 'restart' | 'kill';
}

export interface Publish {
  readonly do: 'publish';
  readonly count: number;
  readonly priority: number;
  readonly delayMs: number;
  /** What its message ids begin with; 0 for none. */
  readonly id: number;
}

export interface Kind {
  readonly storage: 'file' | 'memory';
  readonly overflow: 'drop-oldest' | 'reject';
}

export function stepsOf({ storage, overflow }: Kind): fc.Arbitrary<Step[]> {
  const file = storage === 'file' ? [plain('restart'), plain('kill')] : [];
  const dropping = overflow === 'drop-oldest' ? [weigh(1, 'limit', { maxMessages: between(1, 5) })] : [];
  return fc.array(fc.oneof(...ALWAYS, ...file, ...dropping), { maxLength: 45, size: 'max' });
}

const group = fc.constantFrom('b', 'c');
const room = fc.constantFrom<Room>('for all', 'for one batch that moves', 'for none');

const ALWAYS: readonly fc.WeightedArbitrary<Step>[] = [
  weigh(4, 'publish', {
    count: between(1, 4),
    priority: fc.constantFrom(1, 1, 3, 0),
    delayMs: fc.constantFrom(0, 0, 0, 1, 3),
    id: fc.constantFrom(0, 0, 1, 2, 3),
  }),
  weigh(6, 'settle', {
    how: fc.constantFrom<Settlement>('ack', 'fail', 'reject', 'reject', 'transact', 'transact'),
    count: between(1, 4),
  }),
  weigh(2, 'begin', { group, at: fc.constantFrom<Place>('first', 'new') }),
  weigh(1, 'delete', { group }),
  weigh(1, 'update', { group: fc.constantFrom('main', 'b'), maxDeliveries: between(1000, 1003) }),
  weigh(1, 'purge', { back: between(0, 4) }),
  weigh(2, 'redrive', { limit: between(1, 3) }),
  weigh(1, 'delete dead letters', { limit: between(1, 3) }),
  weigh(1, 'purge dead letters', { back: between(0, 2) }),
  weigh(1, 'cancel', { count: between(1, 3) }),
  plain('publish to the other'),
  plain('make the other anew'),
  weigh(4, 'pause', { turns: between(1, 6) }),
  // The last is when a burial that found no room is tried again.
  weigh(2, 'pass', { ms: fc.constantFrom(1, 5, 1000) }),
  weigh(2, 'room', { room }),
  plain('answers'),
];

function between(min: number, max: number): fc.Arbitrary<number> {
  return fc.integer({ min, max });
}

function plain(name: Plain['do']): fc.WeightedArbitrary<Plain> {
  return { weight: 1, arbitrary: fc.constant({ do: name }) };
}

function weigh<const Do extends string, Rest extends object>(
  weight: number,
  name: Do,
  rest: { readonly [Key in keyof Rest]: fc.Arbitrary<Rest[Key]> },
): fc.WeightedArbitrary<{ readonly do: Do } & Rest> {
  return { weight, arbitrary: fc.record<Rest>(rest).map((values) => ({ do: name, ...values })) };
}
