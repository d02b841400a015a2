export const FLOODS = ['none', 'no credentials', 'one address', 'many addresses'] as const;

export type Flood = (typeof FLOODS)[number];

export interface FloodOrders {
  readonly flood: Flood;
  readonly port: number;
  /** Logins a second. */
  readonly rate: number;
}

/** How many ended how, by error code. */
export type Outcomes = Record<string, number>;
