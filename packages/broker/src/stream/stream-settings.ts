import { InvalidOption, StreamConflict, type StreamOptions, Unsupported } from '@simplemq/protocol';

/** How a stream is kept, every option set; 0 means that there is no such limit. */
export interface StreamSettings {
  readonly storage: 'file' | 'memory';
  readonly retention: 'work' | 'log';
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  readonly maxMessages: number;
  readonly overflow: 'reject' | 'drop-oldest';
  readonly dedupWindowMs: number;
  readonly expireAfterMs: number;
}

/** How long a message id is remembered unless the stream says otherwise, in ms: long enough for any retry of a client. */
const DEDUP_WINDOW_MS_DEFAULT = 120_000;
/** A hundred years. */
const MS_MAX: number = 100 * 365 * 24 * 60 * 60 * 1000;

const DEFAULTS: Omit<StreamSettings, 'storage'> = {
  retention: 'work',
  maxAgeMs: 0,
  maxBytes: 0,
  maxMessages: 0,
  overflow: 'reject',
  dedupWindowMs: DEDUP_WINDOW_MS_DEFAULT,
  expireAfterMs: 0,
};

/** What may be another after a stream was created. */
const CHANGEABLE = [
  'maxAgeMs',
  'maxBytes',
  'maxMessages',
  'overflow',
  'dedupWindowMs',
  'expireAfterMs',
] as const;

/** Options as a client gives them, with the defaults in. @throws InvalidOption, Unsupported */
export function streamSettings(options: StreamOptions, defaultStorage: 'file' | 'memory'): StreamSettings {
  const storage = options.storage ?? defaultStorage;
  oneOf('storage', storage, ['file', 'memory']);
  if (storage === 'file' && defaultStorage === 'memory') {
    throw new Unsupported(
      "this broker has no data folder, so it has no streams with storage 'file'; use 'memory'",
    );
  }
  return checked({ ...DEFAULTS, ...given(options), storage } as StreamSettings);
}

/** The settings with what `options` changes. @throws InvalidOption, StreamConflict on what cannot change */
export function changedSettings(
  name: string,
  before: StreamSettings,
  options: StreamOptions,
): StreamSettings {
  for (const option of ['storage', 'retention'] as const) {
    if (options[option] === undefined || options[option] === before[option]) continue;
    throw new StreamConflict(
      `the stream '${name}' has ${option} '${before[option]}', which cannot be changed to '${options[option]}'; ` +
        'create another stream',
      { details: { option, stream: name } },
    );
  }
  return checked({ ...before, ...given(options) } as StreamSettings);
}

/** Settings as they were stored; those that came to be since have their defaults. */
export function readStoredSettings(stored: Readonly<Record<string, unknown>>): StreamSettings {
  return { ...DEFAULTS, storage: 'file', ...stored } as StreamSettings;
}

/** @throws StreamConflict naming the first option in which the stream differs from what is asked for */
export function checkSameSettings(
  name: string,
  has: StreamSettings,
  asked: StreamSettings,
  options: StreamOptions,
): void {
  for (const option of ['storage', 'retention', ...CHANGEABLE] as const) {
    // What was not said is not asked for, but for the two that make another kind of stream.
    const isSaid = options[option] !== undefined || option === 'storage' || option === 'retention';
    if (!isSaid || has[option] === asked[option]) continue;
    throw new StreamConflict(
      `the stream '${name}' exists with ${option} '${has[option]}', and '${asked[option]}' was ` +
        'asked for; ask for what it has, or delete it first',
      { details: { option, stream: name } },
    );
  }
}

function given(options: StreamOptions): Partial<StreamOptions> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function checked(settings: StreamSettings): StreamSettings {
  oneOf('retention', settings.retention, ['work', 'log']);
  oneOf('overflow', settings.overflow, ['reject', 'drop-oldest']);
  atMost('maxAgeMs', settings.maxAgeMs, MS_MAX);
  atMost('dedupWindowMs', settings.dedupWindowMs, MS_MAX);
  atMost('expireAfterMs', settings.expireAfterMs, MS_MAX);
  atMost('maxBytes', settings.maxBytes, Number.MAX_SAFE_INTEGER);
  atMost('maxMessages', settings.maxMessages, Number.MAX_SAFE_INTEGER);
  return settings;
}

function oneOf(option: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return;
  throw new InvalidOption(
    `a stream cannot have ${option} '${value}'; it is ${choices.map((choice) => `'${choice}'`).join(' or ')}`,
    { details: { option } },
  );
}

function atMost(option: string, value: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= 0 && value <= most) return;
  throw new InvalidOption(`a stream cannot have ${option} ${value}; it is a whole number from 0 to ${most}`, {
    details: { option },
  });
}
