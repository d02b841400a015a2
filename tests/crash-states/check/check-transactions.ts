import type { KnownTransaction } from '../trace/known-transaction.ts';
import type { Sight } from './sight.ts';
import type { Violation } from './violation.ts';

/** Each is there as a whole, its acks with it, or not at all; and at most one has acked a message. */
export function checkTransactions(
  transactions: Iterable<KnownTransaction>,
  sights: ReadonlyMap<string, Sight>,
): Violation[] {
  const violations: Violation[] = [];
  const broken = (text: string): void => {
    violations.push({ rule: 'transactions', text });
  };
  const absent: KnownTransaction[] = [];
  /** By what was acked, the transaction that is there and acked it. */
  const acked = new Map<string, KnownTransaction>();
  for (const transaction of transactions) {
    const { parts, acks, state } = transaction;
    const places = parts.flatMap(({ id, streams }) => streams.map((stream) => ({ id, stream })));
    const missing = places.filter(({ id, stream }) => sights.get(stream)?.byId.has(id) !== true);
    const name = nameOf(transaction);
    if (missing.length === places.length) {
      absent.push(transaction);
      if (state === 'confirmed') broken(`${name} was confirmed, and nothing of it is there`);
      continue;
    }
    if (state === 'refused') broken(`${name} was refused, and is there`);
    if (missing.length > 0) {
      const texts = missing.map(({ id, stream }) => `${id} on ${stream}`);
      broken(`${name} is there without ${texts.join(', ')}`);
    }
    for (const { stream, group, sequence } of acks) {
      const where = `${stream} ${sequence}`;
      if (isOpen(sights, stream, group, sequence))
        broken(`${name} is there, and ${where}, which it acks, is not done`);
      const other = acked.get(where);
      if (other !== undefined) broken(`${name} acked ${where}, and so did ${nameOf(other)}`);
      acked.set(where, transaction);
    }
  }
  for (const transaction of absent) {
    for (const { stream, group, sequence } of transaction.acks) {
      const where = `${stream} ${sequence}`;
      if (acked.has(where) || isOpen(sights, stream, group, sequence)) continue;
      broken(`${nameOf(transaction)} is not there, and ${where}, which it acks, is done`);
    }
  }
  return violations;
}

function isOpen(
  sights: ReadonlyMap<string, Sight>,
  stream: string,
  group: string,
  sequence: number,
): boolean {
  return sights.get(stream)?.gets.get(group)?.has(sequence) === true;
}

function nameOf({ parts }: KnownTransaction): string {
  return `the transaction of ${parts.map(({ id }) => id).join(', ')}`;
}
