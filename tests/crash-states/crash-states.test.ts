import { expect, test } from 'vitest';
import { MUTANTS } from './broker/edits.ts';
import { crashStates } from './crash-states.ts';

const seed = Date.now() % 2 ** 31;
const FIRST_MUTANTS = MUTANTS.slice(0, 2);

test.each([
  ['with small segments', 'dense', 900],
  ['as it is', 'short', 150],
] as const)('a broker %s loses nothing that it told anybody in a power cut', async (_, kind, states) => {
  const { found, counts } = await crashStates({ kind, states, seed, processes: 2, recoveryEvery: 40 });
  expect(found, `seed ${seed}`).toEqual([]);
  expect(counts.states).toBeGreaterThanOrEqual(states);
});

test.each(FIRST_MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
  'it is found that %s',
  async (_, mutant) => {
    const options = { kind: 'dense', states: 60, seed, processes: 2, recoveryEvery: 0 } as const;
    const { found } = await crashStates({ ...options, mutant });
    expect(found.length, `seed ${seed}`).toBeGreaterThan(0);
  },
);
