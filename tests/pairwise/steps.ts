import fc from 'fast-check';

export interface Step {
  readonly what:
    | 'publish'
    | 'ack'
    | 'nack'
    | 'reject'
    | 'release'
    | 'transaction'
    | 'join'
    | 'leave'
    | 'pause'
    | 'restart'
    | 'crash';
  readonly amount: number;
  readonly seed: number;
}

const WEIGHTS: { readonly [W in Step['what']]: number } = {
  publish: 6,
  ack: 6,
  nack: 3,
  reject: 1,
  release: 2,
  transaction: 3,
  join: 3,
  leave: 1,
  pause: 2,
  restart: 1,
  crash: 1,
};

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    what: fc.oneof(
      ...Object.entries(WEIGHTS).map(([what, weight]) => ({
        weight,
        arbitrary: fc.constant(what as Step['what']),
      })),
    ),
    amount: fc.integer({ min: 1, max: 12 }),
    seed: fc.nat(),
  }),
  { minLength: 5, maxLength: 40 },
);
