import { expect, test } from 'vitest';
import { CAN_BUILD_SHIMS } from '../shims/can-build.ts';
import { MUTANTS } from './broker/edits.ts';
import { crashStates } from './crash-states.ts';

/** Others are for `npm run test:crash-states`. */
const seed = 7_000;
/** Two that are found soon. */
const FIRST_MUTANTS = MUTANTS.filter(({ isFoundSoon }) => isFoundSoon);
/** Some seconds on a machine that has nothing else to do. */
const TIMEOUT_MS = 600_000;

test.runIf(CAN_BUILD_SHIMS).each([
  ['with small segments', 'dense', 850],
  ['as it is', 'short', 150],
] as const)(
  'a broker %s loses nothing that it told anybody in a power cut',
  { timeout: TIMEOUT_MS },
  async (_, kind, states) => {
    const { found, counts } = await crashStates({ kind, states, seed, processes: 2, recoveryEvery: 40 });
    expect(found, `seed ${seed}`).toEqual([]);
    expect(counts.states).toBeGreaterThanOrEqual(states);
  },
);

test.runIf(CAN_BUILD_SHIMS).each(FIRST_MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
  'it is found that %s',
  { timeout: TIMEOUT_MS },
  async (_, mutant) => {
    const options = { kind: 'dense', states: 400, seed, processes: 2, recoveryEvery: 0 } as const;
    const { found } = await crashStates({ ...options, mutant });
    expect(found.length, `seed ${seed}`).toBeGreaterThan(0);
  },
);
