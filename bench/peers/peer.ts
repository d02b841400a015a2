import type { RunningServer } from '../processes.ts';

/** How well a peer keeps a message by the time that its confirm leaves. */
export type Durability = 'synced' | 'soon' | 'memory';

/** A server in one of its settings, with one of its clients. */
export interface Peer {
  readonly id: string;
  readonly name: string;
  readonly durability: Durability;
  /** What a confirm says about the disk. */
  readonly confirm: string;
  /** The module of its client: see ClientModule. */
  readonly client: URL;
  readonly clientOptions?: Readonly<Record<string, string>>;
  /** The module for its jobs, where it has them: see JobsModule. */
  readonly jobs?: URL;
  /** The scenarios that mean nothing to it, and why. */
  readonly lacks?: Readonly<Record<string, string>>;
  /** The share of the messages that it is given where all of them would take too long; a rate is still a rate. */
  readonly share?: number;
  /** What differs from the other peers in a scenario. */
  readonly notes?: Readonly<Record<string, string>>;
  /** @returns its version, or why it cannot be measured here */
  find(): Promise<Found>;
  start(folder: string): Promise<RunningServer>;
}

export type Found = { readonly version: string } | { readonly missing: string };
