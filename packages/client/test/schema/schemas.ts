import type { SchemaIssue, SchemaResult, StandardSchema } from '../../src/index.ts';

export interface Order {
  readonly id: number;
  readonly placed: string;
}

/** What the schema makes of an order. */
export interface PlacedOrder {
  readonly id: number;
  readonly placed: Date;
}

/** Made by hand, as the standard has it; no library is needed to be one. */
export const orderSchema: StandardSchema<Order, PlacedOrder> = {
  '~standard': { version: 1, vendor: 'test', validate: validateOrder },
};

/** As above, but it takes as many milliseconds as the order's id modulo 7. */
export const slowOrderSchema: StandardSchema<Order, PlacedOrder> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (value) => {
      await new Promise((resolve) => setTimeout(resolve, Number((value as Order).id ?? 0) % 7));
      return validateOrder(value);
    },
  },
};

function validateOrder(value: unknown): SchemaResult<PlacedOrder> {
  const { id, placed } = value as Record<string, unknown>;
  const issues: SchemaIssue[] = [];
  if (typeof id !== 'number') issues.push({ message: 'must be a number', path: ['id'] });
  if (typeof placed !== 'string') {
    issues.push({ message: 'must be a string', path: [{ key: 'placed' }] });
    return { issues };
  }
  return issues.length > 0 ? { issues } : { value: { id: id as number, placed: new Date(placed) } };
}
