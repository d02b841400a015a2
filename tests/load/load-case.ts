import type { Facts } from './role.ts';

/** A role of those in the folder, and what it is told besides the port. */
export interface RoleOrders {
  readonly role: string;
  readonly orders?: Readonly<Record<string, number>>;
}

/** Something that is too much for many a broker. */
export interface LoadCase {
  readonly id: string;
  readonly title: string;
  /** In terms of `size`. */
  readonly roles: readonly RoleOrders[];
  /** What the broker's process may take meanwhile, in MiB of resident memory. */
  readonly residentMibMax: number;
  /** What is wrong, if it was not the load that it should be. */
  readonly vacuous: (facts: Facts) => string | undefined;
}
