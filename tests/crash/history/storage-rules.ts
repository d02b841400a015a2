import { bodyOf, checksumOf } from '../load/body.ts';
import type { Delivered } from './facts.ts';
import type { History } from './history.ts';
import type { Violation } from './violation.ts';

interface Stored {
  readonly publisher: string;
  readonly number: number;
  readonly stream: string;
  readonly sequence: number;
}

/** Every confirmed message came, at the place that its receipt names; and every body that came is what was published. */
export function* lost(history: History): Generator<Violation> {
  for (const { publisher, number, places } of history.confirmed) {
    for (const place of places) {
      const { deliveries } = history.placeOf(place);
      if (deliveries.some((delivery) => delivery.publisher === publisher && delivery.number === number))
        continue;
      const { stream, sequence } = place;
      yield {
        rule: 'lost',
        text: `${publisher} ${number} was confirmed as ${stream} ${sequence} and never came`,
      };
    }
  }
  for (const { deliveries } of history.places.values()) {
    for (const delivery of deliveries) if (!isIntact(delivery)) yield damaged(delivery);
  }
}

/** A publish is sent again until it is confirmed; there is nothing here to refuse one for. */
export function* refused(history: History): Generator<Violation> {
  for (const { publisher, number, code } of history.refused) {
    yield { rule: 'refused', text: `${publisher} ${number}: ${code}` };
  }
}

/** A place holds one message, for ever. */
export function* sequenceTwice(history: History): Generator<Violation> {
  for (const { stream, sequence, messages } of history.places.values()) {
    if (messages.size <= 1) continue;
    yield { rule: 'sequenceTwice', text: `${stream} ${sequence} is ${[...messages.keys()].join(' and ')}` };
  }
}

/** A message that was sent once is stored once on each stream, however often it had to be sent over the wire. */
export function* storedTwice(history: History): Generator<Violation> {
  const seen = new Map<string, number>();
  for (const { publisher, number, stream, sequence } of storedMessages(history)) {
    const key = `${publisher} ${number} on ${stream}`;
    const before = seen.get(key);
    if (before !== undefined)
      yield { rule: 'storedTwice', text: `${key} is at ${before} and at ${sequence}` };
    else seen.set(key, sequence);
  }
}

/** On each stream the messages of a publisher have its order. */
export function* outOfOrder(history: History): Generator<Violation> {
  const runs = Map.groupBy(storedMessages(history), ({ publisher, stream }) => `${publisher} on ${stream}`);
  for (const [name, run] of runs) {
    run.sort((a, b) => a.sequence - b.sequence);
    for (let i = 1; i < run.length; i++) {
      const [before, after] = [run[i - 1]!, run[i]!];
      if (before.number < after.number) continue;
      const text = `${name}: ${before.number} is at ${before.sequence}, ${after.number} at ${after.sequence}`;
      yield { rule: 'outOfOrder', text };
    }
  }
}

/** What was published to several streams is on all of them or on none, whether it was confirmed or not. */
export function* inPart(
  history: History,
  streamsOf: (publisher: string) => readonly string[] | undefined,
): Generator<Violation> {
  const publishes = Map.groupBy(storedMessages(history), ({ publisher, number }) => `${publisher} ${number}`);
  for (const [name, stored] of publishes) {
    const expected = streamsOf(stored[0]!.publisher);
    if (expected === undefined) continue;
    const reached = new Set(stored.map(({ stream }) => stream));
    if (expected.every((stream) => reached.has(stream)) && reached.size === expected.length) continue;
    yield {
      rule: 'inPart',
      text: `${name} is on ${[...reached].join(', ')}, and not on ${expected.join(', ')}`,
    };
  }
}

export function* storedMessages({ places }: History): Generator<Stored> {
  for (const { stream, sequence, messages } of places.values()) {
    for (const { publisher, number } of messages.values()) yield { publisher, number, stream, sequence };
  }
}

function isIntact({ publisher, number, checksum }: Delivered): boolean {
  return checksumOf(bodyOf(publisher, number).bytes) === checksum;
}

function damaged({ publisher, number, stream, sequence }: Delivered): Violation {
  const text = `${publisher} ${number} came as ${stream} ${sequence} with another body than was published`;
  return { rule: 'lost', text };
}
