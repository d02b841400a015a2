import type { Delivered, Killed } from './facts.ts';
import type { History, PlaceHistory } from './history.ts';
import type { Violation } from './violation.ts';

/** What a killed worker held must be with another well before its lease would have run out. */
export const RETURN_MS_MAX = 10_000;

/** After an awaited ack a message never comes again. What a broker had delivered before it died may be seen late. */
export function* deliveredAgain(history: History): Generator<Violation> {
  for (const place of history.places.values()) {
    for (const ack of place.acks) {
      for (const delivery of place.deliveries) {
        if (delivery.at <= ack.at || history.lifeOf(delivery) < history.lifeOf(ack)) continue;
        const late = (delivery.at - ack.at).toFixed(1);
        const text = `${told(delivery)} came ${late} ms after the ack of attempt ${ack.attempt} had resolved`;
        yield { rule: 'deliveredAgain', text };
      }
    }
  }
}

/** After an awaited nack a message comes in a later attempt. */
export function* nackUndone(history: History): Generator<Violation> {
  for (const { nacks, deliveries } of history.places.values()) {
    for (const nack of nacks) {
      for (const delivery of deliveries) {
        if (delivery.at <= nack.at || delivery.attempt > nack.attempt) continue;
        if (history.lifeOf(delivery) < history.lifeOf(nack)) continue;
        yield { rule: 'nackUndone', text: `${told(delivery)} came after attempt ${nack.attempt} was nacked` };
      }
    }
  }
}

/**
 * A stream's only follower sees every message for the first time in the order of the stream. What a worker was given and
 * could not write down before it was killed comes in its second attempt, after its retry delay, and is not seen for the
 * first time.
 */
export function* seenOutOfOrder(history: History, streams: readonly string[]): Generator<Violation> {
  const firsts = [...history.places.values()]
    .filter(({ stream, deliveries }) => streams.includes(stream) && deliveries.length > 0)
    .map(({ deliveries }) => deliveries[0]!)
    .filter(({ attempt }) => attempt === 1)
    .sort((a, b) => a.at - b.at);
  const latest = new Map<string, number>();
  for (const delivery of firsts) {
    const before = latest.get(delivery.stream) ?? 0;
    if (delivery.sequence > before) latest.set(delivery.stream, delivery.sequence);
    else yield { rule: 'seenOutOfOrder', text: `${told(delivery)} came first after ${before} had come` };
  }
}

export interface Redelivery {
  readonly before: Delivered;
  readonly after: Delivered;
}

/**
 * Deliveries of a message that was seen before, in no later attempt. Deliveries are written down lazily, so a broker
 * that dies right after one may not know of it; without such a death it has to count.
 */
export function* uncounted({ places }: History): Generator<Redelivery> {
  for (const { deliveries } of places.values()) {
    let before = deliveries[0];
    for (const after of deliveries.slice(1)) {
      if (before !== undefined && after.attempt <= before.attempt) yield { before, after };
      before = after;
    }
  }
}

export function* attemptNotCounted(history: History): Generator<Violation> {
  for (const { before, after } of uncounted(history)) {
    if (history.lifeOf(before) !== history.lifeOf(after)) continue;
    yield { rule: 'attemptNotCounted', text: `${told(after)} came after ${told(before)}` };
  }
}

/** What a worker had in hand and had not begun to settle when it was killed, and when it came again. */
export interface Held {
  readonly kill: Killed;
  readonly held: Delivered;
  readonly next: Delivered | undefined;
}

export function* heldByKilled(history: History): Generator<Held> {
  const kills = history.kills.filter(({ victim }) => victim !== 'broker');
  if (kills.length === 0) return;
  for (const place of history.places.values()) {
    for (const kill of kills) {
      const held = place.deliveries.findLast(({ at }) => at < kill.at);
      if (held === undefined || !held.follower.startsWith(`${kill.victim}/`)) continue;
      if (place.settling.has(held.attempt)) continue;
      yield { kill, held, next: deliveryAfter(place, held) };
    }
  }
}

export function* heldNotReturned(history: History): Generator<Violation> {
  for (const { kill, held, next } of heldByKilled(history)) {
    if (next === undefined) {
      yield { rule: 'heldNotReturned', text: `${told(held)} never came again` };
    } else if (next.at - kill.at > RETURN_MS_MAX) {
      const text = `${told(held)} came again ${Math.round(next.at - kill.at)} ms after its worker was killed`;
      yield { rule: 'heldNotReturned', text };
    }
  }
}

function deliveryAfter({ deliveries }: PlaceHistory, delivery: Delivered): Delivered | undefined {
  return deliveries[deliveries.indexOf(delivery) + 1];
}

function told({ stream, sequence, attempt, follower }: Delivered): string {
  return `${stream} ${sequence} in attempt ${attempt} to ${follower}`;
}
