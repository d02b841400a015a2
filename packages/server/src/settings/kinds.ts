import * as v from 'valibot';
import { hasControl, isPem } from './shown-value.ts';

/** What values a setting may have. */
export interface Kind<T> {
  /** Completes the sentence 'it must be …'. */
  readonly expected: string;
  readonly schema: v.GenericSchema<unknown, T>;
  /** The value that a text from the environment stands for, still to be validated; absent when text is the value. */
  readonly fromText?: (text: string) => unknown;
}

/** The longest path that Linux takes. */
const TEXT_LENGTH_MAX = 4_096;
/** Longer than any number with a unit that a person writes. */
const SIZE_LENGTH_MAX = 100;

/** Whether it may name a file, a folder or an address. */
function isName(text: string): boolean {
  return !hasControl(text) && !isPem(text);
}

export function text(expected: string): Kind<string> {
  const schema = v.pipe(
    v.unknown(),
    v.string(),
    v.trim(),
    v.nonEmpty(),
    v.maxLength(TEXT_LENGTH_MAX),
    v.check(isName),
  );
  return { expected, schema };
}

export function wholeNumber(min: number, max: number, unit = ''): Kind<number> {
  return {
    expected: `a whole number from ${min} to ${max}${unit}`,
    schema: v.pipe(v.unknown(), v.number(), v.safeInteger(), v.minValue(min), v.maxValue(max)),
    fromText: (text) => (/^\d+$/.test(text) ? Number(text) : text),
  };
}

/** The longest that a timer of Node.js can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export function milliseconds(min: number): Kind<number> {
  return wholeNumber(min, TIMER_MS_MAX, ' (milliseconds)');
}

export function flag(): Kind<boolean> {
  return {
    expected: 'true or false',
    schema: v.pipe(v.unknown(), v.boolean()),
    fromText: (text) => (text === 'true' ? true : text === 'false' ? false : text),
  };
}

export function oneOf<const T extends string>(values: readonly T[]): Kind<T> {
  return {
    expected: `one of ${values.join(', ')}`,
    schema: v.pipe(v.unknown(), v.picklist(values)),
  };
}

/** A size, as a number of bytes or as text with a unit. */
export function bytes(min: number, max: number): Kind<number> {
  const toBytes = v.transform((value: unknown) => (typeof value === 'string' ? parseBytes(value) : value));
  return {
    expected: `a size from ${shownBytes(min)} to ${shownBytes(max)}, as 64MiB, 8 MB or a number of bytes`,
    schema: v.pipe(v.unknown(), toBytes, v.number(), v.safeInteger(), v.minValue(min), v.maxValue(max)),
  };
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** '64MiB', '8 MB', '1.5 GiB' or '4096' in bytes; undefined when it is none of the kind. */
function parseBytes(text: string): number | undefined {
  if (text.length > SIZE_LENGTH_MAX) return undefined;
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = match && UNITS[match[2]!.toLowerCase()];
  return unit ? Math.round(Number(match[1]) * unit) : undefined;
}

function shownBytes(value: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB']) {
    const size = UNITS[unit.toLowerCase()]!;
    if (value >= size && value % size === 0) return `${value / size} ${unit}`;
  }
  return `${value} bytes`;
}
