import type { DeadLetterFilter, GroupOptions, RetryOptions, StreamOptions } from '@simplemq/protocol';
import { invalid, wholeNumber } from './connection/options.ts';
import type { PendingFilter } from './cursor/pending.ts';

/**
 * What users give of streams, groups and pages, looked at before it is sent: a broker takes a value of a type that the
 * wire does not have there for a broken client's, and ends the connection. What is of the right type and yet too much it
 * refuses itself.
 */

/** @throws InvalidOption, naming `option` */
type Check = (option: string, value: unknown) => void;
/** One for every option, so that none is forgotten. */
type Checks<T> = { readonly [K in keyof T]-?: Check };

const RETRY: Checks<RetryOptions> = {
  maxDeliveries: whole,
  delayMs: whole,
  factor: finite,
  maxDelayMs: whole,
  jitter: finite,
};

const GROUP: Checks<GroupOptions> = {
  retry: (option, value) => checkAll(entries(option, value), RETRY, `${option}.`),
  ordering: text,
  exclusive: truth,
  keyConcurrency: whole,
  ratePerSecond: finite,
  yieldEvery: whole,
  deadLetterExpired: truth,
  expireAfterMs: whole,
};

const STREAM: Checks<StreamOptions> = {
  storage: text,
  retention: text,
  maxAgeMs: whole,
  maxBytes: whole,
  maxMessages: whole,
  overflow: text,
  dedupWindowMs: whole,
  expireAfterMs: whole,
};

const PENDING: Checks<PendingFilter> = { group: text, follower: whole, idleMs: whole, limit: whole };

const DEAD_LETTERS: Checks<DeadLetterFilter> = {
  group: text,
  since: whole,
  until: whole,
  error: text,
  headers: (option, value) => {
    for (const [name, header] of entries(option, value)) text(`${option}.${name}`, header);
  },
  sequences: wholeNumbers,
};

/** @throws InvalidOption */
export function checkStreamOptions(options: StreamOptions): void {
  checkAll(Object.entries(options), STREAM);
}

/** @throws InvalidOption */
export function checkGroupOptions(options: GroupOptions): void {
  checkAll(Object.entries(options), GROUP);
}

/** @throws InvalidOption */
export function checkPendingFilter(filter: PendingFilter): void {
  checkAll(Object.entries(filter), PENDING);
}

/** @throws InvalidOption */
export function checkDeadLetterFilter(filter: DeadLetterFilter): void {
  checkAll(Object.entries(filter), DEAD_LETTERS);
}

/** @throws InvalidOption */
export function wholeNumbers(option: string, values: unknown): void {
  if (!Array.isArray(values)) throw invalid(option, 'it must be an array of whole numbers');
  for (const value of values) whole(option, value);
}

/** Names that are not known are left to the broker, which says so. */
function checkAll(
  options: readonly [string, unknown][],
  checks: Readonly<Record<string, Check>>,
  within = '',
): void {
  for (const [name, value] of options) {
    if (value !== undefined && value !== null) checks[name]?.(within + name, value);
  }
}

function entries(option: string, value: unknown): [string, unknown][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw invalid(option, `it must be an object, not ${String(value)}`);
}

function whole(option: string, value: unknown): void {
  wholeNumber(option, value as number, 0, Number.MAX_SAFE_INTEGER);
}

function finite(option: string, value: unknown): void {
  if (!Number.isFinite(value)) throw invalid(option, `it must be a number, not ${String(value)}`);
}

function text(option: string, value: unknown): void {
  if (typeof value !== 'string') throw invalid(option, `it must be a string, not ${String(value)}`);
}

function truth(option: string, value: unknown): void {
  if (typeof value !== 'boolean') throw invalid(option, `it must be true or false, not ${String(value)}`);
}
