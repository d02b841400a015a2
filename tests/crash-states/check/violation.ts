/** What a crash may not do, by what it is called to do it. */
export const RULES = {
  opens: 'states that no broker opens',
  streams: 'streams that are missing, or there though they were deleted',
  lost: 'confirmed messages that are missing, or have another body or place',
  foreign: 'messages that nobody published there, or that are there twice',
  again: 'messages that are there again though their ack was answered',
  sequence: 'sequence numbers that were given out twice',
  dedup: 'message ids and publishes that are not known any more',
  delayed: 'delayed messages that are missing',
  inPart: 'publishes to several streams that are on some of them',
  transactions: 'transactions that are there in part, or not though confirmed, or twice',
  letters: 'messages that died and are not in the dead letters, or are there and in their stream',
  purged: 'messages that are there though they were purged',
  groups: 'groups that are missing, or there though they were deleted, or with other options',
  schedules: 'schedules that are missing, or there though deleted, or whose last message is missing',
  goesOn: 'brokers that do not go on after the crash',
} as const;

export type Rule = keyof typeof RULES;

export interface Violation {
  readonly rule: Rule;
  readonly text: string;
}
