/** What a publish may ask of a broker beyond the least, as bits. */
export const PRIORITY = 1;
export const DELAY = 2;
export const TTL = 4;
export const DEDUP = 8;
export const TRANSACTIONS = 16;

const NAMES: readonly (readonly [bit: number, name: string])[] = [
  [PRIORITY, 'priority'],
  [DELAY, 'delay'],
  [TTL, 'ttl'],
  [DEDUP, 'dedup'],
  [TRANSACTIONS, 'transactions'],
];

/** The bits of the features that WELCOME names. */
export function featureBits(offered: readonly string[]): number {
  return NAMES.reduce((bits, [bit, name]) => (offered.includes(name) ? bits | bit : bits), 0);
}

/** The names of those of `needed` that WELCOME does not name. */
export function lackingFeatures(needed: number, offered: readonly string[]): string[] {
  return NAMES.filter(([bit, name]) => (needed & bit) !== 0 && !offered.includes(name)).map(
    ([, name]) => name,
  );
}
