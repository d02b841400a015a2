import fc from 'fast-check';

/** One value of each option; streams are drawn so that every pair of values of two options comes up together. */
export interface Settings {
  readonly retention: 'work' | 'log';
  readonly storage: 'file' | 'memory';
  readonly limit: 'none' | 'reject' | 'drop-oldest' | 'maxAge';
  readonly groups: 1 | 2 | 3;
  readonly startFrom: 'first' | 'new';
  readonly ordering: 'none' | 'key';
  readonly keyConcurrency: 0 | 2;
  readonly exclusive: boolean;
  readonly ratePerSecond: 0 | 2_000;
  readonly yieldEvery: 0 | 3;
  readonly maxDeliveries: 1 | 3 | 20;
  readonly retryMs: 0 | 4;
  readonly deadLetterExpired: boolean;
  readonly credit: 1 | 3 | 50;
  readonly priorities: boolean;
  readonly keys: boolean;
  readonly delays: boolean;
  readonly ttl: boolean;
  readonly messageIds: boolean;
}

const OPTIONS: { readonly [K in keyof Settings]: readonly Settings[K][] } = {
  retention: ['work', 'log'],
  storage: ['file', 'file', 'memory'],
  limit: ['none', 'none', 'reject', 'drop-oldest', 'maxAge'],
  groups: [1, 2, 3],
  startFrom: ['first', 'new'],
  ordering: ['none', 'key'],
  keyConcurrency: [0, 2],
  exclusive: [false, true],
  ratePerSecond: [0, 2_000],
  yieldEvery: [0, 3],
  maxDeliveries: [1, 3, 20],
  retryMs: [0, 4],
  deadLetterExpired: [false, true],
  credit: [1, 3, 50],
  priorities: [false, true],
  keys: [false, true],
  delays: [false, true],
  ttl: [false, true],
  messageIds: [false, true],
};

export const settings: fc.Arbitrary<Settings> = fc.record(
  Object.fromEntries(Object.entries(OPTIONS).map(([name, values]) => [name, fc.constantFrom(...values)])),
) as unknown as fc.Arbitrary<Settings>;

/** How many pairs of values there are, and a key for each pair that some settings have. */
export function pairsOf(drawn: Settings): string[] {
  const names = Object.keys(OPTIONS) as (keyof Settings)[];
  return names.flatMap((a, index) => names.slice(index + 1).map((b) => `${a}=${drawn[a]} ${b}=${drawn[b]}`));
}

export const PAIRS: number = Object.values(OPTIONS)
  .map((values) => new Set<unknown>(values).size)
  .reduce((sum, size, index, sizes) => sum + size * sizes.slice(index + 1).reduce((a, b) => a + b, 0), 0);
