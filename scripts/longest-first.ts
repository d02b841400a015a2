import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest, longest first: begun last, one of them would be run while all else is done. */
const LONGEST = [
  'tests/pairwise/pairwise.test.ts',
  'packages/broker/test/conformance/conformance.test.ts',
  'tests/crash-states/crash-states.test.ts',
  'tests/simulation/simulation.test.ts',
  'tests/load/load.test.ts',
  'packages/broker/test/store/journal.test.ts',
  'tests/crash/crash.test.ts',
  'tests/guide/guide.test.ts',
  'tests/faults/faults.test.ts',
];

/** Begins with the longest, and leaves the others in the order of vitest. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = LONGEST.findIndex((name) => moduleId.endsWith(name));
      return index < 0 ? LONGEST.length : index;
    };
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
