import { describe, expect, it } from 'vitest';
import { bodyOf, checksumOf } from '../load/body.ts';
import { checkHistory, type Verdict } from './check-history.ts';
import { type Confirmed, type Delivered, type Fact, type Killed, parseFacts, type Settled } from './facts.ts';
import { RULES, type Rule } from './violation.ts';

const STREAMS = ['a', 'b'];

function check(...facts: Fact[]): Verdict {
  return checkHistory(facts, {
    streamsOf: (publisher) => (publisher === 'to-all' ? STREAMS : undefined),
    soloStreams: ['solo'],
  });
}

function rulesBroken(...facts: Fact[]): Rule[] {
  return check(...facts).violations.map(({ rule }) => rule);
}

function confirmed(at: number, number: number, sequence: number, more: Partial<Confirmed> = {}): Confirmed {
  return { kind: 'confirmed', at, publisher: 'p', number, places: [{ stream: 'a', sequence }], ...more };
}

function delivered(at: number, number: number, sequence: number, more: Partial<Delivered> = {}): Delivered {
  const publisher = more.publisher ?? 'p';
  const checksum = checksumOf(bodyOf(publisher, number).bytes);
  const place = { stream: 'a', sequence, attempt: 1 };
  return {
    kind: 'delivered',
    at,
    follower: 'w/f',
    connectedAt: 0,
    ...place,
    publisher,
    number,
    checksum,
    ...more,
  };
}

function settled(kind: Settled['kind'], at: number, sequence: number, more: Partial<Settled> = {}): Settled {
  return { kind, at, connectedAt: 0, stream: 'a', sequence, attempt: 1, ...more };
}

function killed(at: number, victim = 'broker'): Killed {
  return { kind: 'killed', at, victim };
}

describe('a history in which all is well', () => {
  it('breaks no rule, and is counted', () => {
    const { violations, counts } = check(
      confirmed(1, 1, 1),
      confirmed(2, 2, 2),
      delivered(3, 1, 1),
      settled('acked', 4, 1),
      delivered(5, 2, 2),
      settled('nacked', 6, 2),
      delivered(7, 2, 2, { attempt: 2 }),
      settled('acked', 8, 2, { attempt: 2 }),
    );
    expect(violations).toEqual([]);
    expect(counts).toMatchObject({ confirmed: 2, stored: 2, deliveries: 3, redeliveries: 1 });
    expect(counts).toMatchObject({ awaitedAcks: 2, awaitedNacks: 1, uncounted: 0 });
  });

  it('may have a message that was stored though its confirm was lost with the connection', () => {
    expect(rulesBroken(confirmed(1, 1, 1), delivered(2, 1, 1), delivered(3, 2, 2))).toEqual([]);
  });

  it('may have a message late that a killed worker was given and could not write down', () => {
    const late = delivered(2, 1, 1, { stream: 'solo', attempt: 2 });
    expect(rulesBroken(delivered(1, 2, 2, { stream: 'solo' }), late)).toEqual([]);
  });

  it('may have an attempt that does not count because the broker died right after it', () => {
    const facts = [delivered(1, 1, 1), killed(2), delivered(4, 1, 1, { connectedAt: 3 })];
    expect(rulesBroken(...facts)).toEqual([]);
    expect(check(...facts).counts.uncounted).toBe(1);
  });

  it('may have a delivery of a broker that has died seen after the ack that its successor took', () => {
    const late = delivered(6, 1, 1, { follower: 'w/slow', connectedAt: 0 });
    const again = delivered(4, 1, 1, { attempt: 2, connectedAt: 3 });
    const ack = settled('acked', 5, 1, { attempt: 2, connectedAt: 3 });
    expect(rulesBroken(killed(2), again, ack, late)).toEqual([]);
  });
});

describe('a broken promise is found', () => {
  const broken: Record<Exclude<Rule, 'notDrained'>, readonly Fact[][]> = {
    lost: [
      [confirmed(1, 1, 1)],
      // It came, but not where its receipt said.
      [confirmed(1, 1, 1), delivered(2, 2, 1), delivered(2, 1, 2)],
      [confirmed(1, 1, 1), delivered(2, 1, 1, { checksum: 1 })],
    ],
    refused: [[{ kind: 'refused', at: 1, publisher: 'p', number: 1, code: 'ConnectionLost' }]],
    deliveredAgain: [
      [delivered(1, 1, 1), settled('acked', 2, 1), delivered(3, 1, 1, { attempt: 2 })],
      [delivered(1, 1, 1), settled('acked', 2, 1), killed(3), delivered(5, 1, 1, { connectedAt: 4 })],
    ],
    sequenceTwice: [
      [delivered(1, 1, 1), delivered(2, 2, 1, { attempt: 2 })],
      [confirmed(1, 1, 1), confirmed(2, 2, 1)],
    ],
    storedTwice: [[delivered(1, 1, 1), delivered(2, 1, 2)]],
    outOfOrder: [[delivered(1, 2, 1), delivered(2, 1, 2)]],
    seenOutOfOrder: [[delivered(1, 2, 2, { stream: 'solo' }), delivered(2, 1, 1, { stream: 'solo' })]],
    inPart: [[delivered(1, 1, 1, { publisher: 'to-all' })]],
    nackUndone: [
      [delivered(1, 1, 1), settled('nacked', 2, 1), killed(3), delivered(5, 1, 1, { connectedAt: 4 })],
    ],
    attemptNotCounted: [[delivered(1, 1, 1), delivered(2, 1, 1)]],
    heldNotReturned: [
      [delivered(1, 1, 1), killed(2, 'w')],
      [delivered(1, 1, 1), killed(2, 'w'), delivered(20_000, 1, 1, { attempt: 2 })],
    ],
  };

  for (const [rule, histories] of Object.entries(broken)) {
    it.each(histories.map((facts) => [facts]))(`${RULES[rule as Rule]} (%#)`, (facts) => {
      expect(rulesBroken(...facts)).toContain(rule);
    });
  }
});

it('a line that was being written when its process was killed is no fact', () => {
  const [first, second] = [killed(1), killed(2)].map((fact) => JSON.stringify(fact));
  expect(parseFacts(`${first}\n${second}\n`)).toHaveLength(2);
  expect(parseFacts(`${first}\n${second!.slice(0, -1)}`)).toHaveLength(1);
});
