/** A message of a transaction, and the streams that it goes to. */
export interface KnownPart {
  readonly id: string;
  readonly streams: readonly string[];
}

export interface KnownAck {
  readonly stream: string;
  readonly group: string;
  readonly sequence: number;
}

/** Publishes and acks that are done together or not at all. */
export interface KnownTransaction {
  readonly parts: readonly KnownPart[];
  readonly acks: readonly KnownAck[];
  /** Refused: a client was told that nothing of it was done. */
  state: 'asked for' | 'confirmed' | 'refused';
}
