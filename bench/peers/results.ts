import type { DiskFigures } from './disk.ts';
import type { Durability } from './peer.ts';

/** One scenario with one peer. */
export interface Result {
  readonly scenario: string;
  readonly peer: string;
  /** A value for each round that came to its end: a rate, or the median latency in ms. */
  readonly values: readonly number[];
  readonly p99: readonly number[];
  readonly p999: readonly number[];
  /** How many messages had not come when a round was given up, for each round. */
  readonly missing: readonly number[];
  /** Why rounds came to no end. */
  readonly failures: readonly string[];
}

export interface PeerInfo {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly durability: Durability;
  readonly confirm: string;
  readonly lacks: Readonly<Record<string, string>>;
  readonly notes: Readonly<Record<string, string>>;
}

export interface ScenarioInfo {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly about: string;
}

/** A whole run, as the JSON has it. */
export interface Report {
  readonly date: string;
  readonly machine: string;
  readonly command: string;
  readonly rounds: number;
  readonly messages: number;
  readonly seconds: number;
  readonly streams: number;
  readonly disk: readonly DiskFigures[];
  readonly peers: readonly PeerInfo[];
  readonly missing: readonly { readonly peer: string; readonly why: string }[];
  readonly scenarios: readonly ScenarioInfo[];
  readonly results: readonly Result[];
}
