import type { GroupOptions } from '@simplemq/protocol';

/** A message of a stream, on its own, with all that matters about it. */
export interface ModelMessage {
  readonly sequence: number;
  readonly body: string;
  readonly priority: number;
  readonly key: string | undefined;
  /** By performance.now(); a delayed message enters its stream no earlier. */
  readonly entersAt: number;
  /** Whether its publish was confirmed, so that it may be delivered for certain. */
  isDurable: boolean;
  /** Whether it is gone from the stream, for good: purged, or every group was done with it. */
  isRemoved: boolean;
}

/** What a group has done with one message. */
export interface ModelEntry {
  readonly message: ModelMessage;
  /** `dying` is on its way to the dead letters; `done` must never be seen again. */
  state: 'fresh' | 'held' | 'waiting' | 'dying' | 'done';
  /** Of the delivery that it is in, or else of the next one. */
  attempt: number;
  holder: number | undefined;
  /** By performance.now(). */
  notBefore: number;
}

export interface ModelGroup {
  readonly name: string;
  readonly options: GroupOptions;
  /** What comes before it was never the group's. */
  start: number;
  /** The message with sequence number n is at n - 1. */
  entries: ModelEntry[];
  redelivered: number;
}

export interface ModelLetter {
  readonly group: string;
  readonly sequence: number;
  readonly body: string;
  readonly cause: string;
  /** The number of the delivery that it died of. */
  readonly attempt: number;
}

export interface ModelStream {
  readonly name: string;
  readonly retention: 'work' | 'log';
  /** The message with sequence number n is at n - 1. */
  readonly messages: ModelMessage[];
  readonly groups: Map<string, ModelGroup>;
  readonly letters: ModelLetter[];
  firstSequence: number;
}

export function addMessage(
  stream: ModelStream,
  fields: Pick<ModelMessage, 'body' | 'priority' | 'key' | 'entersAt'>,
): ModelMessage {
  const sequence = stream.messages.length + 1;
  const message = { ...fields, sequence, isDurable: false, isRemoved: false };
  stream.messages.push(message);
  for (const group of stream.groups.values()) group.entries.push(newEntry(group, message));
  return message;
}

/** Makes the group unless it is there. */
export function ensureGroup(
  stream: ModelStream,
  name: string,
  options: GroupOptions,
  start: number,
): ModelGroup {
  const known = stream.groups.get(name);
  if (known !== undefined) return known;
  const group: ModelGroup = { name, options, start, entries: [], redelivered: 0 };
  group.entries = stream.messages.map((message) => newEntry(group, message));
  stream.groups.set(name, group);
  return group;
}

/** Begins anew at `start`: what is there from there on comes again, and nothing before. */
export function resetGroup(stream: ModelStream, group: ModelGroup, start: number): void {
  const from = { ...group, start };
  group.entries = stream.messages.map((message) => newEntry(from, message));
  group.start = Math.min(group.start, start);
  removeDone(stream);
}

function newEntry({ start }: ModelGroup, message: ModelMessage): ModelEntry {
  const isDone = message.isRemoved || message.sequence < start;
  return {
    message,
    state: isDone ? 'done' : 'fresh',
    attempt: 1,
    holder: undefined,
    notBefore: message.entersAt,
  };
}

/** Messages before `sequence` go. @returns how many there were */
export function purgeStream(stream: ModelStream, sequence: number): number {
  let messages = 0;
  for (const message of stream.messages) {
    if (message.sequence >= sequence || message.isRemoved) continue;
    message.isRemoved = true;
    messages++;
    for (const { entries } of stream.groups.values()) settleForGood(entries[message.sequence - 1]!);
  }
  stream.firstSequence = Math.max(stream.firstSequence, sequence);
  return messages;
}

/** Retention `work`: what every group is done with goes; what comes before the start of all groups is nobody's. */
export function removeDone(stream: ModelStream): void {
  if (stream.retention === 'log' || stream.groups.size === 0) return;
  const groups = [...stream.groups.values()];
  const start = Math.min(...groups.map((group) => group.start));
  for (const message of stream.messages) {
    if (message.isRemoved || message.sequence < start) continue;
    message.isRemoved = groups.every(({ entries }) => entries[message.sequence - 1]!.state === 'done');
  }
}

export function settleForGood(entry: ModelEntry): void {
  entry.state = 'done';
  entry.holder = undefined;
}

/** The entry is to be delivered again, in the same attempt or one further. */
export function giveBack(entry: ModelEntry, attempts: 0 | 1, delayMs: number): void {
  entry.state = 'waiting';
  entry.holder = undefined;
  entry.attempt += attempts;
  entry.notBefore = delayMs === 0 ? 0 : performance.now() + delayMs;
}

/** The delivery that the entry is in has failed. */
export function fail(
  stream: ModelStream,
  group: ModelGroup,
  entry: ModelEntry,
  delayMs: number | undefined,
): void {
  const { maxDeliveries = 20, delayMs: policyMs = 0 } = group.options.retry ?? {};
  if (entry.attempt < maxDeliveries) giveBack(entry, 1, delayMs ?? policyMs);
  else bury(stream, group, entry, 'maxDeliveries');
}

/** It goes to the dead letters, which takes the engine a while. */
export function bury(stream: ModelStream, group: ModelGroup, entry: ModelEntry, cause: string): void {
  const { sequence, body } = entry.message;
  stream.letters.push({ group: group.name, sequence, body, cause, attempt: entry.attempt });
  entry.state = 'dying';
  entry.holder = undefined;
}

/**
 * Keys of which a message is on its way, with its number; the others of the key wait. When a dying message makes way
 * is not known exactly.
 */
export function takenKeys({ options, entries }: ModelGroup): ReadonlyMap<string, number> {
  const taken = new Map<string, number>();
  if (options.ordering !== 'key') return taken;
  for (const { message, state } of entries) {
    if (message.key !== undefined && (state === 'held' || state === 'waiting'))
      taken.set(message.key, message.sequence);
  }
  return taken;
}
