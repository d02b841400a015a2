import type { DiskFigures } from '../peers/disk.ts';
import type { Curve, Values } from './curves/curve.ts';

export interface Point {
  readonly at: number;
  /** Medians of the rounds that came to their end. */
  readonly values: Values;
  /** Of each round that did so. */
  readonly rounds: readonly Values[];
  /** Why rounds came to no end. */
  readonly failures: readonly string[];
}

/** A curve as it was measured. */
export interface MeasuredCurve extends Omit<Curve, 'points' | 'measureAt'> {
  readonly points: readonly Point[];
}

/** A whole run, as the JSON has it. */
export interface Report {
  readonly date: string;
  readonly machine: string;
  readonly command: string;
  readonly rounds: number;
  /** What is set in the brokers beside the defaults. */
  readonly limits: Readonly<Record<string, number>>;
  readonly disk: DiskFigures;
  readonly curves: readonly MeasuredCurve[];
}
