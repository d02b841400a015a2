/** What is looked at in each point of a curve. Less is better: it is a cost, or memory. */
export interface Measure {
  readonly title: string;
  /** Of its values: 'µs a message', 'MiB'. */
  readonly unit: string;
  /** What else the value is shown as: `dividend` by it. */
  readonly rate?: { readonly dividend: number; readonly unit: string };
  /** It is in proportion to the axis, or has a part that is, so that nobody expects it to be flat: no verdict. */
  readonly isProportional?: true;
}

/** Undefined where there is nothing to tell, as when what is measured is lost in the noise. */
export type Values<Id extends string = string> = Readonly<Record<Id, number | undefined>>;

/** How costs grow with one thing, all else being the same. */
export interface Curve<Id extends string = string> {
  readonly id: string;
  readonly title: string;
  /** Of what there is more and more. */
  readonly axis: { readonly name: string; readonly unit: 'count' | 'bytes' };
  /** How it is measured. */
  readonly about: string;
  readonly points: readonly number[];
  readonly measures: Readonly<Record<Id, Measure>>;
  /** @param folder where the data folders of its brokers are made */
  measureAt(point: number, folder: string): Promise<Values<Id>>;
}

export function microsecondsAMessage(title: string, rateUnit = 'messages/s'): Measure {
  return { title, unit: 'µs a message', rate: { dividend: 1e6, unit: rateUnit } };
}

export function microseconds(seconds: number, count: number): number {
  return (seconds * 1e6) / count;
}
