import type { GroupInfo, GroupOptions, RetryOptions } from '@simplemq/client';
import { count, duration, exactDuration } from '../terminal/amounts.ts';
import { properties, table } from '../terminal/table.ts';
import { instant } from '../terminal/times.ts';

const COLUMNS = [
  { head: 'GROUP' },
  { head: 'FOLLOWERS', align: 'right' },
  { head: 'LAG', align: 'right' },
  { head: 'PENDING', align: 'right' },
  { head: 'REDELIVERED', align: 'right' },
  { head: 'OLDEST UNACKED', align: 'right' },
  { head: 'DEAD', align: 'right' },
] as const;

/** The groups of a stream, a line each. */
export function groupTable(groups: readonly GroupInfo[]): string {
  return table(COLUMNS, groups.map(row));
}

function row(group: GroupInfo): string[] {
  const { name, followers, lag, pending, redelivered, deadLettered } = group;
  return [name, ...[followers, lag, pending, redelivered].map(count), oldest(group), count(deadLettered)];
}

function oldest({ oldestUnackedMs }: GroupInfo): string {
  return oldestUnackedMs === undefined ? '-' : duration(oldestUnackedMs);
}

/** All of one group. */
export function groupProperties(group: GroupInfo): string {
  return properties([
    ['group', group.name],
    ['stream', group.stream],
    ['created', instant(new Date(group.createdAt))],
    ['followers', count(group.followers)],
    ['acked up to', count(group.ackFloor)],
    ['next to deliver', count(group.readPosition)],
    ['lag', count(group.lag)],
    ['pending', count(group.pending)],
    ['oldest unacked', oldest(group)],
    ['redelivered', count(group.redelivered)],
    ['dead-lettered', count(group.deadLettered)],
    ['expired', count(group.expired)],
    ...optionRows(group.options),
  ]);
}

/** By the names of their flags, so that who reads one knows how to change it. */
function optionRows(options: GroupOptions): [name: string, value: string][] {
  const orNone = (value = 0, shown: (value: number) => string = count) =>
    value === 0 ? 'none' : shown(value);
  return [
    ...retryRows(options.retry ?? {}),
    ['ordering', options.ordering ?? 'none'],
    ['key concurrency', count(options.keyConcurrency || 1)],
    ['exclusive', options.exclusive ? 'yes' : 'no'],
    ['rate', orNone(options.ratePerSecond, (rate) => `${rate.toLocaleString('en-US')} messages a second`)],
    ['yield every', orNone(options.yieldEvery)],
    ['dead letter expired', options.deadLetterExpired ? 'yes' : 'no'],
    ['expire after', orNone(options.expireAfterMs, exactDuration)],
  ];
}

function retryRows(retry: RetryOptions): [name: string, value: string][] {
  const { maxDeliveries = 0, delayMs = 0, factor = 1, maxDelayMs = 0, jitter = 0 } = retry;
  return [
    ['max deliveries', maxDeliveries === 0 ? 'none' : count(maxDeliveries)],
    ['retry delay', exactDuration(delayMs)],
    ['retry factor', String(factor)],
    ['retry max delay', exactDuration(maxDelayMs)],
    ['retry jitter', String(jitter)],
  ];
}
