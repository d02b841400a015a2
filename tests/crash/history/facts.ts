/**
 * What publishers and followers saw, one fact a line. `at` is in milliseconds of the machine's monotonic clock, which
 * all processes share.
 */
export type Fact = Confirmed | Refused | Delivered | Settling | Settled | Killed;

/** A publish was confirmed. */
export interface Confirmed {
  readonly kind: 'confirmed';
  readonly at: number;
  readonly publisher: string;
  readonly number: number;
  readonly places: readonly Place[];
}

/** A publish was refused, or its outcome is not known. */
export interface Refused {
  readonly kind: 'refused';
  readonly at: number;
  readonly publisher: string;
  readonly number: number;
  readonly code: string;
}

/** A follower's code saw a message. */
export interface Delivered {
  readonly kind: 'delivered';
  readonly at: number;
  readonly follower: string;
  /** When the connection that it came by was made. */
  readonly connectedAt: number;
  readonly stream: string;
  readonly sequence: number;
  readonly attempt: number;
  readonly publisher: string;
  readonly number: number;
  /** Of the body that came. */
  readonly checksum: number;
}

/** A follower's code is about to ack or nack a message. */
export interface Settling {
  readonly kind: 'settling';
  readonly at: number;
  readonly stream: string;
  readonly sequence: number;
  readonly attempt: number;
}

/** An ack or a nack that was awaited has resolved. */
export interface Settled {
  readonly kind: 'acked' | 'nacked';
  readonly at: number;
  /** When the connection that it went by was made. */
  readonly connectedAt: number;
  readonly stream: string;
  readonly sequence: number;
  readonly attempt: number;
}

/** A process was killed, and is gone. */
export interface Killed {
  readonly kind: 'killed';
  readonly at: number;
  /** 'broker', or the name of a load process, which the names of its followers and publishers begin with. */
  readonly victim: string;
}

export interface Place {
  readonly stream: string;
  readonly sequence: number;
}

export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The facts of a file. A last line without an end was being written when its process was killed, and is left out. */
export function parseFacts(text: string): Fact[] {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Fact);
}
