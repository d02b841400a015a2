/** What a broker promises, and what a run of a simulation may show to be broken. */
export const RULES = {
  lost: 'a confirmed message is delivered, in the dead letters, or gone for a reason that was asked for',
  notStored: 'a publish is confirmed only once all of it is durable',
  deliveredAgain: 'a message whose ack was confirmed never comes to its group again',
  notPublished: 'nothing is stored or delivered that was not published, and with the body that it had',
  refusedButStored: 'what was refused is not stored',
  outOfOrder: "a publisher's messages are in the order in which it sent them, within a stream and a lane",
  seenOutOfOrder: 'a group sees the messages of a lane for the first time in their order',
  keyOverlap: 'of a key one message at a time is on its way',
  storedTwice: 'a message is stored once, however often its publisher sends it',
  idTwice: 'of two messages with one id one is stored',
  notDurable: 'only durable messages are delivered',
  sequenceTwice: 'no sequence number is used twice',
  twoOwners: 'a message is with one follower at a time',
  pendingWrong: 'the pending entry list is what was delivered and is neither acked nor dead',
  staleAccepted: 'who does not hold a message cannot settle it',
  wronglyStale: 'who holds a message can settle it',
  attemptWentDown: 'the attempt of a message never goes down',
  attemptSkipped: 'the attempt of a message goes up by one for each delivery',
  diedTwice: 'a message is in the dead letters once, and comes to its group no more',
  diedEarly: 'a message dies when it was rejected, has expired, or has used up its deliveries',
  early: 'a delayed message comes no sooner than it was to',
  late: 'an expired message does not come',
  droppedEarly: 'a stream drops nothing before it is too old or too much',
  keptTooMuch: 'a stream that drops is within its limits',
  pageWrong: 'a page of a stream is what is stored from there on, in its order',
  replayWrong: 'a group that was moved gets everything from there on, and nothing before',
  tooOften: 'a message is delivered no oftener than its group allows',
  settingsWrong: 'a group does what it was told last',
  leftover: 'nothing of a memory stream is on the disk',
  dueTwice: 'a schedule publishes once for a time that was due, and once for all that it missed',
  dueMissed: 'a schedule publishes when it is due, or as soon as the broker is there again',
  dueWrongly: 'a schedule that is paused, deleted or another one now publishes no more, over restarts too',
  inPart: 'a transaction is done as a whole or not at all',
  notDrained: 'once faults end, everything is delivered and acked',
  threw: 'nothing that happens makes the broker throw',
  vacuous: 'a run has traffic and faults',
} as const;

export type Rule = keyof typeof RULES;

export interface Violation {
  readonly rule: Rule;
  readonly text: string;
  /** When it was seen, in ms since the run began. */
  readonly atMs: number;
}
