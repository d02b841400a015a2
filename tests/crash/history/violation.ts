/** The promises, by what it is called to break one. */
export const RULES = {
  lost: 'confirmed messages that never came, or came with another body',
  refused: 'publishes that were refused or whose outcome was not told',
  deliveredAgain: 'deliveries after an awaited ack',
  sequenceTwice: 'sequence numbers with two messages',
  storedTwice: 'messages stored twice on a stream',
  outOfOrder: 'messages stored out of the order of their publisher',
  seenOutOfOrder: 'first deliveries out of order on a stream with one follower',
  inPart: 'publishes to several streams that reached only some',
  nackUndone: 'deliveries that do not count the attempt of an awaited nack',
  attemptNotCounted: 'redeliveries in the same attempt with no broker killed in between',
  notDrained: 'streams that still held messages when nobody published any more',
  heldNotReturned: 'messages held by a killed worker that did not come back at once',
} as const;

export type Rule = keyof typeof RULES;

export interface Violation {
  readonly rule: Rule;
  readonly text: string;
}
