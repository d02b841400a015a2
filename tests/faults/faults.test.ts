import { expect, it } from 'vitest';
import { CAN_BUILD_SHIMS } from '../shims/can-build.ts';
import { FAULTS, faultRun, type Pair } from './fault-run.ts';

const TEST_TIMEOUT_MS = 120_000;

it.runIf(CAN_BUILD_SHIMS)(
  'a broker breaks no promise when its disk, its clock, its network and itself fail',
  {
    timeout: TEST_TIMEOUT_MS,
  },
  async () => {
    const seed = Date.now() % 2 ** 31;
    // Each fault once, beside another kind.
    const half = Math.ceil(FAULTS.length / 2);
    const other = (index: number) => FAULTS[(half + index) % FAULTS.length]!;
    const pairs = FAULTS.slice(0, half).map((fault, index): Pair => [fault, other(index)]);
    const { violations, counts, effects } = await faultRun({ pairs, seed, faultMsMax: 300 });
    expect(violations, `seed ${seed}`).toEqual([]);
    expect(counts.confirmed).toBeGreaterThan(100);
    expect(counts.awaitedAcks).toBeGreaterThan(100);
    expect([...effects.values()].filter((times) => times > 0).length, `seed ${seed}`).toBeGreaterThan(half);
  },
);
