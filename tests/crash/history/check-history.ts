import * as delivery from './delivery-rules.ts';
import type { Fact } from './facts.ts';
import { History } from './history.ts';
import * as storage from './storage-rules.ts';
import type { Violation } from './violation.ts';

export interface Expectations {
  /** The streams that each message of this publisher reaches, all or none; undefined where it is but one. */
  readonly streamsOf: (publisher: string) => readonly string[] | undefined;
  /** Streams with one follower. */
  readonly soloStreams: readonly string[];
}

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly counts: Counts;
}

export interface Counts {
  readonly confirmed: number;
  /** Messages found on a stream, one that is on three counted three times. */
  readonly stored: number;
  readonly deliveries: number;
  readonly redeliveries: number;
  readonly awaitedAcks: number;
  readonly awaitedNacks: number;
  /** Redeliveries in the attempt that was seen before: the broker died before it had written that one down. */
  readonly uncounted: number;
  /** The longest time before the broker's death that one of those was seen, in ms. */
  readonly uncountedMsMax: number;
  /** Messages that killed workers held, and the longest time until one of them came again, in ms. */
  readonly held: number;
  readonly heldReturnedMsMax: number;
}

/** What was seen in several runs: times are the longest, all else is added up. */
export function verdictOf(verdicts: readonly Verdict[]): Verdict {
  const sum = (name: keyof Counts): number => verdicts.reduce((all, { counts }) => all + counts[name], 0);
  const most = (name: keyof Counts): number => Math.max(0, ...verdicts.map(({ counts }) => counts[name]));
  return {
    violations: verdicts.flatMap(({ violations }) => violations),
    counts: {
      confirmed: sum('confirmed'),
      stored: sum('stored'),
      deliveries: sum('deliveries'),
      redeliveries: sum('redeliveries'),
      awaitedAcks: sum('awaitedAcks'),
      awaitedNacks: sum('awaitedNacks'),
      uncounted: sum('uncounted'),
      uncountedMsMax: most('uncountedMsMax'),
      held: sum('held'),
      heldReturnedMsMax: most('heldReturnedMsMax'),
    },
  };
}

/** Holds what was seen against what is promised. The streams must have been drained. */
export function checkHistory(facts: Iterable<Fact>, { streamsOf, soloStreams }: Expectations): Verdict {
  const history = new History(facts);
  const violations = [
    ...storage.lost(history),
    ...storage.refused(history),
    ...delivery.deliveredAgain(history),
    ...storage.sequenceTwice(history),
    ...storage.storedTwice(history),
    ...storage.outOfOrder(history),
    ...storage.inPart(history, streamsOf),
    ...delivery.seenOutOfOrder(history, soloStreams),
    ...delivery.nackUndone(history),
    ...delivery.attemptNotCounted(history),
    ...delivery.heldNotReturned(history),
  ];
  return { violations, counts: countsOf(history) };
}

function countsOf(history: History): Counts {
  const places = [...history.places.values()];
  const held = [...delivery.heldByKilled(history)];
  const uncounted = [...delivery.uncounted(history)];
  const deliveries = sum(places.map((place) => place.deliveries.length));
  return {
    confirmed: history.confirmed.length,
    stored: [...storage.storedMessages(history)].length,
    deliveries,
    redeliveries: deliveries - places.filter((place) => place.deliveries.length > 0).length,
    awaitedAcks: sum(places.map(({ acks }) => acks.length)),
    awaitedNacks: sum(places.map(({ nacks }) => nacks.length)),
    uncounted: uncounted.length,
    uncountedMsMax: longest(uncounted.map(({ before }) => history.deathAfter(before) - before.at)),
    held: held.length,
    heldReturnedMsMax: longest(held.map(({ kill, next }) => (next === undefined ? 0 : next.at - kill.at))),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function longest(timesMs: readonly number[]): number {
  return Math.round(timesMs.reduce((most, ms) => Math.max(most, ms), 0));
}
