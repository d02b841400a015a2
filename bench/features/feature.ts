/** One figure of a benchmark. */
export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: Unit;
}

/** 'x' is a ratio; '' counts something. */
export type Unit = '/s' | 'ms' | 'MB' | 'bytes' | 'x' | '';

export interface Run {
  readonly messages: number;
  readonly bodyBytes: number;
  readonly rounds: number;
  /** The bench folder of another checkout to compare with. */
  readonly against?: URL;
  /** Tells the next figure, as soon as it is there. */
  row(what: string, value: number, unit: Unit): void;
}

/** What is measured on its own, on brokers of its own. */
export interface Feature {
  readonly id: string;
  readonly title: string;
  /** How many messages it takes unless told otherwise. */
  readonly messages: number;
  run(run: Run): Promise<void>;
}
