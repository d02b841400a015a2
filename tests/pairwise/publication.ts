import type { Attributes } from '@simplemq/protocol';

/** What became of a message that was to be published. */
export type Fate =
  /** No answer yet. */
  | 'asked'
  /** Confirmed, with a sequence number; or seen, which is as good. */
  | 'stored'
  /** Confirmed; enters its stream later. */
  | 'delayed'
  /** Known by its message id, and so nowhere. */
  | 'duplicate'
  | 'refused'
  | 'cancelled'
  /** The broker crashed before it answered. */
  | 'unknown'
  /** Gone with a crash, or with a memory stream. */
  | 'lost';

/** A message as its publisher made it, on one stream, and what is known of it. */
export interface Publication {
  readonly body: string;
  readonly attributes: Attributes;
  readonly publisher: number;
  /** By performance.now(). */
  readonly askedAt: number;
  fate: Fate;
  sequence: number | undefined;
  delayedId: number | undefined;
  /** Whether it may have entered its stream unseen, and be gone from there. */
  mayBePassed: boolean;
}

/** A message in its place. One that was redriven has a second place, for the group in which it died. */
export interface Entry {
  readonly sequence: number;
  readonly publication: Publication;
  readonly group: string | undefined;
}

export function priorityOf({ publication: { attributes } }: Entry): number {
  return attributes.priority ?? 1;
}

export function keyOf({ publication: { attributes } }: Entry): string | undefined {
  return attributes.key;
}

/** Of one that was redriven no ttl is left. */
export function ttlOf({ publication: { attributes }, group }: Entry): number | undefined {
  return group === undefined ? attributes.ttlMs : undefined;
}
