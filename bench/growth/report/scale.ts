/** A logarithmic axis: where a value is between the ends of a line. */
export interface Scale {
  readonly from: number;
  readonly to: number;
  /** @returns pixels from the beginning of the line */
  place(value: number): number;
}

/** Values that differ by less would look like a mountain. */
const SPAN_MIN = 10;
/** Room above and below the values. */
const MARGIN = 1.25;

export function scaleFrom(from: number, to: number, length: number): Scale {
  const span = Math.log(to / from);
  return { from, to, place: (value) => (span === 0 ? length / 2 : (length * Math.log(value / from)) / span) };
}

/** One that all values lie within, and that is at least a decade, so that noise does not look like growth. */
export function scaleOf(values: readonly number[], length: number): Scale {
  const least = Math.min(...values) / MARGIN;
  const most = Math.max(...values) * MARGIN;
  const middle = Math.sqrt(least * most);
  const half = Math.sqrt(Math.max(SPAN_MIN, most / least));
  return scaleFrom(middle / half, middle * half, length);
}

const MANTISSAS = [1, 2, 5];
const TICKS_MAX = 5;

/** 1, 2, 5, 10 … or, where those are too many, powers of ten, all of them or some. */
export function ticksOf(scale: Scale): number[] {
  const first = Math.floor(Math.log10(scale.from));
  const last = Math.ceil(Math.log10(scale.to));
  const powers = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
  const within = (tick: number): boolean => scale.from <= tick && tick <= scale.to;
  const fine = powers.flatMap((power) => MANTISSAS.map((mantissa) => mantissa * power)).filter(within);
  if (fine.length <= TICKS_MAX) return fine;
  const coarse = powers.filter(within);
  const step = Math.ceil(coarse.length / TICKS_MAX);
  return coarse.filter((_, index) => index % step === 0);
}
