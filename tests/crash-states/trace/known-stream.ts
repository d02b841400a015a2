/** A message that the broker has been sent. */
export interface SentMessage {
  readonly id: string;
  readonly crc: number;
  readonly messageId: string | undefined;
  readonly isDelayed: boolean;
  /** Of the publish: its bind as text, to tell whether it went to several streams. */
  readonly pattern: string | undefined;
}

/** What clients were told of a message on a stream. */
export type Told =
  | { readonly kind: 'stored'; readonly sequence: number }
  | { readonly kind: 'delayed'; readonly delayedId: number }
  /** Another message of its id is there already: `sequence`, or 0 when that one is delayed. */
  | { readonly kind: 'duplicate'; readonly sequence: number };

/** Of a stream, a group or a schedule. Between asked for and answered it may be there or not. */
export type Existence = 'asked for' | 'there' | 'to be deleted' | 'deleted';

export interface KnownGroup {
  state: Existence;
  /** Sequence numbers whose ack was received; with it, they may be gone. */
  readonly ackReceived: Set<number>;
  /** Those whose ack, or reject, was answered: they are delivered to nobody. */
  readonly ackAnswered: Set<number>;
  /** From where on it gets what the stream holds, for certain. */
  start: number;
  /** Its maxDeliveries, as an update told, and as one that is not answered wants it. */
  readonly maxDeliveries: { told: number | undefined; asked: number | undefined };
  /** While it is moved: the acks that came since. Who moves it does so only when it awaits no ack. */
  reset: { readonly start: number; readonly since: Set<number> } | undefined;
}

/** The dead letters of a stream. */
export interface KnownLetters {
  /** By sequence number in the dead-letter stream, the id of the message, as clients saw it. */
  readonly places: Map<number, string>;
  /** Sequence numbers that were to be redriven or deleted, and those of which it was told that they were. */
  readonly takenAsked: Set<number>;
  readonly takenTold: Set<number>;
  /** Ids of messages of those that were to be deleted, and that were. */
  readonly deletedAsked: Set<string>;
  readonly deletedTold: Set<string>;
}

/** What is known of a stream from its creation to its deletion. */
export interface KnownStream {
  readonly name: string;
  state: Existence;
  /** A log that holds so many messages and drops its oldest; undefined for a stream that drops what is acked. */
  readonly logMessagesMax: number | undefined;
  /** By the id of the message. */
  readonly told: Map<string, Told>;
  /** What was published to it by name or pattern. */
  readonly sent: Set<string>;
  /** By sequence number, the id of the message. */
  readonly places: Map<number, string>;
  highest: number;
  readonly groups: Map<string, KnownGroup>;
  /** By message id, the message that has it. */
  readonly messageIds: Map<string, string>;
  /** Sequence numbers that all groups which there were had acked, before there were others. */
  readonly mayBeGone: Set<number>;
  /** What comes before these was to be purged, and was. */
  readonly purge: { asked: number; told: number };
  readonly letters: KnownLetters;
}

export function newStream(name: string, logMessagesMax?: number): KnownStream {
  return {
    name,
    state: 'asked for',
    logMessagesMax,
    told: new Map(),
    sent: new Set(),
    places: new Map(),
    highest: 0,
    groups: new Map(),
    messageIds: new Map(),
    mayBeGone: new Set(),
    purge: { asked: 0, told: 0 },
    letters: {
      places: new Map(),
      takenAsked: new Set(),
      takenTold: new Set(),
      deletedAsked: new Set(),
      deletedTold: new Set(),
    },
  };
}

export function place(stream: KnownStream, sequence: number, id: string): void {
  stream.places.set(sequence, id);
  stream.highest = Math.max(stream.highest, sequence);
}

/** The group of this name, asked for by now if it was not known or is gone. */
export function groupOf({ groups }: KnownStream, name: string): KnownGroup {
  const known = groups.get(name);
  if (known !== undefined && known.state !== 'deleted') return known;
  const group: KnownGroup = {
    state: 'asked for',
    ackReceived: new Set(),
    ackAnswered: new Set(),
    start: 0,
    maxDeliveries: { told: undefined, asked: undefined },
    reset: undefined,
  };
  groups.set(name, group);
  return group;
}

/** The group is there; what was done for those before it may be gone, whatever this one acks. */
export function groupCreated(stream: KnownStream, group: KnownGroup): void {
  if (group.state === 'there') return;
  for (const sequence of stream.places.keys()) if (isAcked(stream, sequence)) stream.mayBeGone.add(sequence);
  group.state = 'there';
}

/** Its acks of what is from `start` on are as if they had never been, unless they come after this. */
export function resetAsked(group: KnownGroup, start: number): void {
  group.reset = { start, since: new Set() };
  group.start = Math.max(group.start, start);
  for (const sequence of group.ackAnswered) if (sequence >= start) group.ackAnswered.delete(sequence);
}

export function resetAnswered(group: KnownGroup): void {
  if (group.reset === undefined) return;
  const { start, since } = group.reset;
  group.reset = undefined;
  group.start = start;
  for (const sequence of group.ackReceived) {
    if (sequence >= start && !since.has(sequence)) group.ackReceived.delete(sequence);
  }
}

export function ackReceived(group: KnownGroup, sequence: number): void {
  group.ackReceived.add(sequence);
  group.reset?.since.add(sequence);
}

export function ackAnswered(group: KnownGroup, sequence: number): void {
  if (group.reset === undefined) group.ackAnswered.add(sequence);
}

/**
 * Whether a message of the stream may be gone.
 *
 * @param highest the last sequence number that the stream holds
 */
export function mayBeGone(stream: KnownStream, sequence: number, highest: number): boolean {
  const { logMessagesMax, purge } = stream;
  if (sequence < purge.asked) return true;
  if (logMessagesMax !== undefined) return sequence <= highest - logMessagesMax;
  return stream.mayBeGone.has(sequence) || isAcked(stream, sequence);
}

/** Whether every group that is there for certain may have acked it, and some group has. */
function isAcked({ groups }: KnownStream, sequence: number): boolean {
  let isSome = false;
  for (const { state, ackReceived: acks } of groups.values()) {
    const has = acks.has(sequence);
    if (state === 'there' && !has) return false;
    isSome ||= has && state !== 'deleted';
  }
  return isSome;
}
