import { InvalidArgumentError } from 'commander';

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** '30s', '10m', '1.5h', '7d' or a number of milliseconds, in milliseconds; undefined when it is none of the kind. */
export function parseTimeSpan(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?$/.exec(text.trim());
  if (match === null) return undefined;
  const ms = Math.round(Number(match[1]) * UNITS_MS[match[2] ?? 'ms']!);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** What reads an option's time span of at least `minMs`, in milliseconds. */
export function timeSpan(minMs = 0): (text: string) => number {
  return (text) => {
    const ms = parseTimeSpan(text);
    if (ms !== undefined && ms >= minMs) return ms;
    const least = minMs > 0 ? ` of at least ${minMs} ms` : '';
    throw new InvalidArgumentError(
      `It must be a time span${least}, as 30s, 10m, 2h, 7d or a number of milliseconds.`,
    );
  };
}
