import { constants } from 'node:fs';
import type { Random } from '../../fuzz/random.ts';
import type { Operation } from '../trace/operations.ts';

/** Names and lengths change seldom, and what comes around it is looked at this much more often. */
const RARE_WEIGHT = 12;
const RARE_AROUND = 12;
/** What a moment after it differs in from one before it. */
const OF_INTEREST = new Set<Operation['kind']>([
  'write',
  'length',
  'syncEnd',
  'rename',
  'unlink',
  'mkdir',
  'send',
]);

/** Moments of a log at which to cut the power, ascending; more of them where rarer things happen. */
export function chooseMoments(operations: readonly Operation[], count: number, random: Random): number[] {
  const weights = weigh(operations);
  const sums: number[] = [];
  let total = 0;
  for (const weight of weights) {
    total += weight;
    sums.push(total);
  }
  const chosen = Array.from({ length: count }, () => {
    const at = random.below(total);
    return firstAbove(sums, at);
  });
  return chosen.sort((a, b) => a - b);
}

function weigh(operations: readonly Operation[]): number[] {
  const weights = operations.map(({ kind }): number => (OF_INTEREST.has(kind) ? 1 : 0));
  for (const [index, operation] of operations.entries()) {
    if (!isRare(operation)) continue;
    for (let i = Math.max(0, index - 2); i < Math.min(operations.length, index + RARE_AROUND); i++) {
      if (weights[i] === 1) weights[i] = RARE_WEIGHT;
    }
  }
  return weights;
}

function isRare(operation: Operation): boolean {
  if (operation.kind === 'open') return (operation.flags & constants.O_CREAT) !== 0;
  return ['length', 'rename', 'unlink', 'mkdir'].includes(operation.kind);
}

/** The index of the first sum that is above `value`. */
function firstAbove(sums: readonly number[], value: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
