import { invalid } from '../connection/options.ts';

/** Delays that grow with each attempt. */
export interface BackoffOptions {
  /** After the first failure. Default 100. */
  delayMs?: number;
  /** By how much each further delay is longer. Default 2. */
  factor?: number;
  /** No delay is longer. Default 30,000. */
  maxDelayMs?: number;
  /** The share of each delay that is random, 0 to 1, so that what failed together is not tried together. Default 0.5. */
  jitter?: number;
}

/** How long a message that failed waits, in ms: by options, or by a function of the attempt (from 1) and the error. */
export type Backoff = BackoffOptions | ((attempt: number, error: unknown) => number);

/** A year: the broker takes no longer one. */
const DELAY_MS_MAX: number = 365 * 24 * 60 * 60 * 1000;

/** @throws InvalidOption */
export function backoffFunction(backoff: Backoff): (attempt: number, error: unknown) => number {
  if (typeof backoff === 'function') return (attempt, error) => wholeDelay(backoff(attempt, error));
  const { delayMs = 100, factor = 2, maxDelayMs = 30_000, jitter = 0.5 } = backoff;
  within('backoff.delayMs', delayMs, 0, DELAY_MS_MAX);
  within('backoff.factor', factor, 1, 1_000);
  within('backoff.maxDelayMs', maxDelayMs, 0, DELAY_MS_MAX);
  within('backoff.jitter', jitter, 0, 1);
  return (attempt) => {
    const full = Math.min(maxDelayMs, delayMs * factor ** Math.min(attempt - 1, 100));
    return Math.round(full * (1 - jitter * Math.random()));
  };
}

/** A delay that a user gives, as the wire can have it: a message that failed is nacked whatever was made of its delay. */
export function wholeDelay(delayMs: number): number {
  return delayMs > 0 ? Math.round(Math.min(delayMs, DELAY_MS_MAX)) : 0;
}

function within(option: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw invalid(option, `it must be a number from ${least} to ${most}, not ${String(value)}`);
}
