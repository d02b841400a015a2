/** What the demo tells its processes when it starts them, and what they report to it. */

/** The body of every message: a line of the file. */
export interface Line {
  readonly publisher: string;
  /** Counts what this publisher sent, from 1. */
  readonly number: number;
  readonly text: string;
  /** Of the number and the text, by the publisher. */
  readonly checksum: number;
}

export interface BrokerArguments {
  /** 0: a free one. */
  readonly port: number;
  readonly path: string;
}

export type BrokerMessage =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'memory'; readonly bytes: number };

export interface PublisherArguments {
  readonly name: string;
  readonly port: number;
  readonly file: string;
  readonly seconds: number;
}

export interface PublisherReport {
  readonly sent: number;
  readonly confirmed: number;
  readonly connects: number;
  /** The level that the receipts named. */
  readonly durability: string;
}

export interface ReaderArguments {
  readonly name: string;
  readonly port: number;
  /** A stream's name; a pattern, for the follower. */
  readonly bind: string;
  /** Milliseconds that a message takes. */
  readonly workMs: number;
  /** How many of a hundred messages it gives back with nack(). */
  readonly nackPercent: number;
}

/** Since the report before. */
export interface ReaderReport {
  readonly delivered: number;
  readonly redelivered: number;
  readonly nacked: number;
  /** Messages whose text was not what its checksum says. */
  readonly damaged: number;
  /** Acks that the broker refused, or never answered: those messages come again. */
  readonly refused: number;
  readonly connects: number;
  /** What was handled, and what the broker confirmed as acked: numbers by publisher. */
  readonly handled: NumberRanges;
  readonly acked: NumberRanges;
}

/** By publisher: first, last, first, last … */
export type NumberRanges = Readonly<Record<string, readonly number[]>>;
