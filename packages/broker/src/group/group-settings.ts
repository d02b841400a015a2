import { type GroupOptions, InvalidOption, type RetryOptions, StreamConflict } from '@simplemq/protocol';

/** What a group does with its messages, every option set; 0 means that there is no such limit. */
export interface GroupSettings {
  readonly retry: RetrySettings;
  readonly ordering: 'none' | 'key';
  readonly exclusive: boolean;
  readonly keyConcurrency: number;
  readonly ratePerSecond: number;
  readonly yieldEvery: number;
  readonly deadLetterExpired: boolean;
  readonly expireAfterMs: number;
}

/** The one policy for nack, lease expiry and disconnect. */
export interface RetrySettings {
  /** Deliveries of a message, the first included; one that fails after the last goes to the dead letters. */
  readonly maxDeliveries: number;
  /** Before the second delivery, in ms; `factor` times as long before each further one, up to `maxDelayMs`. */
  readonly delayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  /** The share of each delay that is random, 0 to 1, so that what failed together does not come back together. */
  readonly jitter: number;
}

const RETRY_DEFAULTS: RetrySettings = {
  maxDeliveries: 20,
  delayMs: 100,
  factor: 2,
  maxDelayMs: 30_000,
  jitter: 0.5,
};

const DEFAULTS: GroupSettings = {
  retry: RETRY_DEFAULTS,
  ordering: 'none',
  exclusive: false,
  keyConcurrency: 0,
  ratePerSecond: 0,
  yieldEvery: 0,
  deadLetterExpired: false,
  expireAfterMs: 0,
};

const COUNT_MAX = 1_000_000_000;
/** A year. */
const DELAY_MS_MAX: number = 365 * 24 * 60 * 60 * 1000;

/** Options as a client gives them, over what there is or the defaults. @throws InvalidOption */
export function groupSettings(options: GroupOptions, before: GroupSettings = DEFAULTS): GroupSettings {
  const { retry, ...rest } = options;
  const settings = { ...before, ...given(rest), retry: { ...before.retry, ...given(retry ?? {}) } };
  check(settings as GroupSettings);
  return settings as GroupSettings;
}

/** Settings as they were stored; those that came to be since have their defaults. */
export function readStoredGroupSettings(stored: Readonly<Record<string, unknown>>): GroupSettings {
  const retry = { ...RETRY_DEFAULTS, ...(stored.retry as object | undefined) };
  return { ...DEFAULTS, ...stored, retry };
}

/** @throws StreamConflict naming the first of the given options in which the group differs */
export function checkSameGroupSettings(where: string, has: GroupSettings, options: GroupOptions): void {
  const { retry = {}, ...rest } = options;
  for (const [option, asked] of Object.entries(given(rest))) {
    differs(where, option, has[option as keyof GroupSettings], asked);
  }
  for (const [option, asked] of Object.entries(given(retry))) {
    differs(where, `retry.${option}`, has.retry[option as keyof RetryOptions], asked);
  }
}

function differs(where: string, option: string, has: unknown, asked: unknown): void {
  if (has === asked) return;
  throw new StreamConflict(
    `${where} exists with ${option} ${String(has)}, and ${String(asked)} was asked for; ask for what it has, ` +
      'or change it with updateGroup',
    { details: { option } },
  );
}

/** Milliseconds before the next delivery of a message whose delivery number `attempt` failed. */
export function retryDelayMs(
  { delayMs, factor, maxDelayMs, jitter }: RetrySettings,
  attempt: number,
): number {
  const full = Math.min(maxDelayMs, delayMs * factor ** Math.min(attempt - 1, 1_000));
  return Math.round(full * (1 - jitter * Math.random()));
}

function given(options: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function check(settings: GroupSettings): void {
  const { retry } = settings;
  whole('retry.maxDeliveries', retry.maxDeliveries, 1, COUNT_MAX);
  whole('retry.delayMs', retry.delayMs, 0, DELAY_MS_MAX);
  whole('retry.maxDelayMs', retry.maxDelayMs, 0, DELAY_MS_MAX);
  between('retry.factor', retry.factor, 1, 1_000);
  between('retry.jitter', retry.jitter, 0, 1);
  if (settings.ordering !== 'none' && settings.ordering !== 'key') {
    throw invalid('ordering', `'${settings.ordering}'`, "'none' or 'key'");
  }
  whole('keyConcurrency', settings.keyConcurrency, 0, COUNT_MAX);
  between('ratePerSecond', settings.ratePerSecond, 0, COUNT_MAX);
  whole('yieldEvery', settings.yieldEvery, 0, COUNT_MAX);
  whole('expireAfterMs', settings.expireAfterMs, 0, 100 * DELAY_MS_MAX);
}

function whole(option: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw invalid(option, String(value), `a whole number from ${least} to ${most}`);
}

function between(option: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw invalid(option, String(value), `a number from ${least} to ${most}`);
}

function invalid(option: string, value: string, expected: string): Error {
  return new InvalidOption(`a group cannot have ${option} ${value}; it must be ${expected}`, {
    details: { option },
  });
}
