const KIB = 1024;
const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'];
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** 1234567 as '1,234,567'. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** A count with its noun: '1 message', '2,000 messages'. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Bytes as '812 B' or '1.3 MiB'. */
export function size(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`;
  let value = bytes / KIB;
  let unit = 0;
  while (value >= KIB && unit < UNITS.length - 1) {
    value /= KIB;
    unit++;
  }
  return `${value.toFixed(1)} ${UNITS[unit]}`;
}

/** Bytes with the largest unit that says them exactly in two decimals; without one where none does. */
export function exactSize(bytes: number): string {
  for (let unit = UNITS.length - 1; unit >= 0; unit--) {
    const value = bytes / KIB ** (unit + 1);
    if (value >= 1 && Number.isInteger(value * 100)) return `${value} ${UNITS[unit]}`;
  }
  return String(bytes);
}

/** A time as '12 ms', '3.4 s', '5 min 12 s', '2 h 5 min' or '3 d 4 h'. */
export function duration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < MINUTE_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  if (ms < HOUR_MS) return both(ms, MINUTE_MS, 'min', SECOND_MS, 's');
  if (ms < DAY_MS) return both(ms, HOUR_MS, 'h', MINUTE_MS, 'min');
  return both(ms, DAY_MS, 'd', HOUR_MS, 'h');
}

/** A time with the largest unit that says it exactly, as '36 h' for a day and a half. */
export function exactDuration(ms: number): string {
  const [unitMs, name] = EXACT_UNITS.find(([unit]) => ms >= unit && ms % unit === 0) ?? [1, 'ms'];
  return `${count(ms / unitMs)} ${name}`;
}

const EXACT_UNITS = [
  [DAY_MS, 'd'],
  [HOUR_MS, 'h'],
  [MINUTE_MS, 'min'],
  [SECOND_MS, 's'],
] as const;

function both(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)} ${largeName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`;
}
