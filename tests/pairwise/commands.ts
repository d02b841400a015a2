import fc from 'fast-check';

/** What is done to a broker, and how often in proportion. */
const WEIGHTS = {
  publish: 12,
  'publish again': 2,
  ack: 12,
  nack: 6,
  reject: 2,
  release: 3,
  extend: 2,
  'settle late': 2,
  neglect: 1,
  transact: 5,
  join: 8,
  leave: 2,
  lose: 2,
  pause: 4,
  look: 4,
  purge: 1,
  reset: 2,
  'change groups': 2,
  redrive: 2,
  'delete letters': 1,
  'cancel delayed': 1,
  restart: 2,
  crash: 4,
} as const;

/** One command, as plain data: what is random in it comes from its seed. */
export interface Command {
  readonly what: keyof typeof WEIGHTS;
  readonly who: number;
  readonly count: number;
  readonly seed: number;
  /** Whether all that was asked for is waited for afterwards. */
  readonly waits: boolean;
}

const what: fc.Arbitrary<Command['what']> = fc.oneof(
  ...Object.entries(WEIGHTS).map(([name, weight]) => ({
    weight,
    arbitrary: fc.constant(name as Command['what']),
  })),
);

/** A load: some tens of commands. */
export const load: fc.Arbitrary<Command[]> = fc.array(
  fc.record({
    what,
    who: fc.nat(11),
    count: fc.integer({ min: 1, max: 8 }),
    seed: fc.nat(),
    waits: fc.boolean(),
  }),
  { minLength: 1, maxLength: 45, size: 'max' },
);
