import type { Attributes } from '@simplemq/protocol';
import type { EngineFollower, PlacedBatch } from '../../packages/broker/src/engine/engine.ts';
import { batchOf, type TestRecord } from '../../packages/broker/test/batches.ts';
import { rangesOf } from '../../packages/broker/test/recording-follower.ts';
import type { Publication } from './publication.ts';
import type { Publish, Publisher } from './publisher.ts';
import type { Random } from './random.ts';
import { enterReceipt } from './receipts.ts';
import { MESSAGES_MAX, type Settings } from './settings.ts';
import { sureHeld } from './settling.ts';
import type { StreamBook } from './stream-book.ts';
import { OUT, type World } from './world.ts';

const DELAYS_MS = [1, 4, 9];
const TTL_MS = 25;

/** Publishes some messages to the main stream. */
export function publish(world: World, publisher: Publisher, count: number, random: Random): void {
  const made = make(world, world.main, publisher, count, (index) =>
    attributesOf(world.settings, index, random),
  );
  send(world, publisher, made);
}

/** Sends one of the last publishes again: it is stored once. */
export function publishAgain(world: World, publisher: Publisher, random: Random): void {
  const again = publisher.sent.filter(({ publish: { stream } }) => stream === world.main);
  if (again.length > 0) send(world, publisher, random.oneOf(again).publish, true);
}

function make(
  world: World,
  stream: StreamBook,
  publisher: Publisher,
  count: number,
  attributesOf: (index: number) => Attributes,
): Publish {
  const stamp = publisher.stamp();
  const records: TestRecord[] = [];
  const publications = Array.from({ length: count }, (_, index): Publication => {
    const attributes = attributesOf(index);
    const body = world.newBody();
    records.push({ body, ...attributes });
    const askedAt = performance.now();
    return {
      body,
      attributes,
      publisher: publisher.index,
      askedAt,
      fate: 'asked',
      sequence: undefined,
      delayedId: undefined,
      mayBePassed: false,
    };
  });
  for (const publication of publications) stream.publish(publication);
  return { stream, records, publications, stamp };
}

function send(world: World, publisher: Publisher, made: Publish, isAgain = false): void {
  const { stream, publications } = made;
  if (!isAgain) publisher.remember(made);
  const sent = publisher.sent.find(({ publish: each }) => each === made)!;
  // One that was refused, or lost, is a new one when it is sent again.
  for (const each of publications) if (each.fate === 'refused' || each.fate === 'lost') each.fate = 'asked';
  const hasRoom = stream.hasAtMost(MESSAGES_MAX);
  const answer = world.engine.publish({
    bind: { stream: stream.name },
    batch: batchOf(...made.records),
    producer: made.stamp,
  });
  const isKnown = sent.receipt !== undefined;
  const answered = ({ streams: [placed] }: { streams: readonly PlacedBatch[] }): void => {
    if (sent.receipt !== undefined && JSON.stringify(sent.receipt) !== JSON.stringify(placed)) {
      throw new Error(`sent again, it got ${JSON.stringify(placed)} after ${JSON.stringify(sent.receipt)}`);
    }
    if (sent.receipt === undefined) {
      const onPlaced = (sequence: number) => (isAgain ? undefined : publisher.placed(stream, sequence));
      enterReceipt(stream, publications, placed!, onPlaced);
    }
    sent.receipt = placed;
  };
  const refused = ({ code }: { code?: string }): boolean => {
    for (const each of publications) if (each.fate === 'asked') each.fate = 'refused';
    return code === 'StreamFull' && world.settings.limit === 'reject' && !hasRoom;
  };
  world.ask(answer, { answered, refused, crashed: () => hide(world, publications) }, !isAgain && !isKnown);
}

/** Their answer will not come. */
function hide(world: World, publications: readonly Publication[]): void {
  world.hiddenPublishes.push(publications);
  for (const each of publications) if (each.fate === 'asked') each.fate = 'unknown';
}

function attributesOf(settings: Settings, index: number, random: Random): Attributes {
  const { priorities, keys, delays, ttl, messageIds } = settings;
  const priority = random.below(4);
  const key = `key ${random.below(3)}`;
  const delayMs = random.oneOf(DELAYS_MS);
  const messageId = messageIds === 'unique' ? `id ${random.below(1e9)} ${index}` : `id ${random.below(12)}`;
  return {
    ...(random.once(4) && { headers: { index: `${index}` } }),
    ...(priorities && random.once(2) && { priority }),
    ...(keys && !random.once(4) && { key }),
    ...(delays && random.once(4) && { delayMs }),
    ...(ttl && random.once(3) && { ttlMs: TTL_MS }),
    ...(messageIds !== 'none' && !random.once(3) && { messageId }),
  };
}

/** Acks some of what a member holds, and publishes to the other stream (and at times the same) in one transaction. */
export function transact(
  world: World,
  publisher: Publisher,
  who: number,
  count: number,
  random: Random,
): void {
  const member = world.members[who % Math.max(1, world.members.length)];
  if (member === undefined) return;
  const { book } = member;
  const acked = sureHeld(member).slice(0, count);
  const out = world.streams.get(OUT)!;
  const made = [make(world, out, publisher, 1 + random.below(2), () => ({}))];
  if (random.once(4))
    made.push(make(world, world.main, publisher, 1, (index) => attributesOf(world.settings, index, random)));
  const publications = made.flatMap((each) => each.publications);
  const { resets } = book;
  const entries = rangesOf(
    acked.map(({ entry, attempt }) => ({ stream: book.stream.name, sequence: entry.sequence, attempt })),
  );
  for (const progress of acked) book.settle(progress);
  const hasRoom = world.main.hasAtMost(MESSAGES_MAX);
  const answer = world.engine.transaction({
    publishes: made.map(({ stream, records }) => ({
      bind: { stream: stream.name },
      batch: batchOf(...records),
    })),
    acks:
      entries.length === 0 ? [] : [{ follower: member.follower.engineFollower as EngineFollower, entries }],
    producer: made[0]!.stamp,
  });
  const isSame = (): boolean => !book.isDeleted && book.resets === resets;
  world.ask(answer, {
    answered: ({ publishes }) => {
      made.forEach(({ stream, publications: each }, index) => {
        enterReceipt(stream, each, publishes[index]![0]!, (sequence) => publisher.placed(stream, sequence));
      });
      if (isSame()) for (const progress of acked) book.done(progress);
      world.topUp(member);
    },
    refused: ({ code }) => {
      for (const each of publications) each.fate = 'refused';
      if (isSame() && !member.isGone) for (const progress of acked) book.unsettle(progress);
      else if (isSame()) for (const progress of acked) book.fail(progress, { cause: 'disconnected' }, 0);
      if (code === 'StaleAck') return book.stream.trims || !isSame();
      return code === 'StreamFull' && made.length > 1 && world.settings.limit === 'reject' && !hasRoom;
    },
    crashed: () => {
      for (const each of made) hide(world, each.publications);
      world.hidden.push({ acks: isSame() ? acked : [], publications: made[0]!.publications });
    },
  });
}
