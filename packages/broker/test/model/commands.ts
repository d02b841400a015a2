import fc from 'fast-check';
import { batchOf } from '../batches.ts';
import { type Delivery, rangesOf } from '../recording-follower.ts';
import { giveBack, type ModelFollower, type ModelMessage, settleForGood } from './engine-model.ts';
import type { World } from './world.ts';

/** fast-check's own model is not used: the world keeps it, because deliveries change it between commands. */
export type Nothing = Record<string, never>;
export type ModelCommand = fc.AsyncCommand<Nothing, World>;
type Bind = ModelFollower['bind'];

const NAMES = ['a1', 'a2', 'b1'];
const name: fc.Arbitrary<string> = fc.constantFrom(...NAMES);
const bind: fc.Arbitrary<Bind> = fc.oneof(
  { weight: 3, arbitrary: name.map((stream) => ({ stream })) },
  { weight: 1, arbitrary: fc.constantFrom('^a', '1$', '.').map((pattern) => ({ pattern })) },
);

/** Mostly few; sometimes so many that they lie in more than one window of a ledger. */
function upToOrMany(few: number, many: number): fc.Arbitrary<number> {
  return fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 1, max: few }) },
    { weight: 1, arbitrary: fc.integer({ min: many / 2, max: many }) },
  );
}

/** A command; `act` brings model and engine forward, and does not wait for what it has asked. */
class Command implements fc.AsyncCommand<Nothing, World> {
  readonly #label: string;
  readonly #act: (world: World) => Promise<void> | void;
  readonly #settles: boolean;

  constructor(label: string, settles: boolean, act: (world: World) => Promise<void> | void) {
    this.#label = label;
    this.#settles = settles;
    this.#act = act;
  }

  check(): boolean {
    return true;
  }

  async run(_: Nothing, world: World): Promise<void> {
    await this.#act(world);
    if (this.#settles) await world.settle();
  }

  toString(): string {
    return this.#label + (this.#settles ? '' : ' (not awaited)');
  }
}

function command<T>(
  label: string,
  argument: fc.Arbitrary<T>,
  act: (world: World, value: T) => Promise<void> | void,
): fc.Arbitrary<Command> {
  return fc.tuple(argument, fc.boolean()).map(([value, settles]) => {
    return new Command(`${label} ${JSON.stringify(value)}`, settles, (world) => act(world, value));
  });
}

const create = command('create', name, (world, stream) => {
  const isNew = !world.model.streams.has(stream);
  if (isNew) world.model.create(stream);
  const created = world.engine.createStream(stream, {});
  world.ask(created.then((was) => expectThat(was === isNew, `created is ${was}`)));
});

const publish = command('publish', fc.tuple(bind, upToOrMany(12, 700)), (world, [to, count]) => {
  const bodies = world.model.newBodies(count);
  const answer = world.engine.publish({ bind: to, batch: batchOf(...bodies) });
  if (isMissing(world, to)) return world.ask(expectError(answer, 'StreamNotFound'));
  const streams = world.model.publish(to, bodies);
  const durability = world.survives && streams.length > 0 ? 'fsync' : undefined;
  world.ask(
    answer.then((receipt) => {
      expectThat(JSON.stringify(receipt.streams) === JSON.stringify(streams), JSON.stringify(receipt));
      expectThat(durability === undefined || receipt.durability === durability, receipt.durability);
    }),
  );
});

const follow = command(
  'follow',
  fc.tuple(bind, fc.integer({ min: 0, max: 8 }), fc.boolean()),
  async (world, [to, credit, stutters]) => {
    if (world.followers.size >= 4) return;
    if (isMissing(world, to)) {
      const sink = { deliver: () => true, ended: () => {} };
      const request = { bind: to, client: 'nobody', upTo: 1, bytesUpTo: 1 };
      world.ask(expectError(world.engine.follow(request, sink), 'StreamNotFound'));
    } else await world.follow(to, credit, stutters);
  },
);

const credit = command('credit', fc.tuple(fc.nat(3), upToOrMany(20, 1_000)), (world, [who, more]) => {
  withFollower(world, who, (key) => {
    world.model.followers.get(key)!.upTo += more;
    world.followers.get(key)!.credit(more);
  });
});

type Verb = 'ack' | 'nack' | 'release' | 'extend';
const verb: fc.Arbitrary<Verb> = fc.constantFrom('ack', 'ack', 'nack', 'release', 'extend');
const delayMs: fc.Arbitrary<number> = fc.constantFrom(0, 0, 0, 1, 7);

/** A part of what the follower holds. */
const settleHeld = command(
  'settle held',
  fc.record({ verb, who: fc.nat(3), skip: fc.nat(5), take: upToOrMany(15, 1_000), delayMs }),
  (world, { verb: asked, who, skip, take, delayMs: delay }) => {
    withFollower(world, who, (key) => {
      const held = world.model.held(key).slice(skip, skip + take);
      const deliveries = held.map(({ stream, message }) => {
        return { stream, sequence: message.sequence, attempt: message.attempt, body: message.body };
      });
      settle(world, key, asked, deliveries, delay);
    });
  },
);

/** Any range: right in parts, stale, acked long ago, of another follower, never there. */
const settleAny = command(
  'settle any',
  fc.record({
    verb,
    who: fc.nat(3),
    stream: name,
    first: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1_000, max: 1_040 })),
    count: upToOrMany(20, 1_500),
    attempt: fc.constantFrom(1, 1, 1, 2, 3),
    delayMs,
  }),
  (world, { verb: asked, who, stream, first, count, attempt, delayMs: delay }) => {
    withFollower(world, who, (key) => {
      const range = Array.from({ length: count }, (_, index) => {
        return { stream, sequence: first + index, attempt, body: '' };
      });
      settle(world, key, asked, range, delay);
    });
  },
);

function settle(
  world: World,
  key: number,
  asked: Verb,
  deliveries: readonly Delivery[],
  delay: number,
): void {
  const entries = rangesOf(deliveries);
  const change = CHANGES[asked];
  const stale = entries.flatMap(({ stream, ranges }) =>
    ranges.flatMap((range) =>
      world.model.settle(key, { stream, ...range }, asked !== 'extend', (message) => change(message, delay)),
    ),
  );
  const { engineFollower } = world.followers.get(key)!;
  world.askForStale(engineFollower[asked](entries, { delayMs: delay }), stale);
}

const CHANGES: Record<Verb, (message: ModelMessage, delay: number) => void> = {
  ack: settleForGood,
  nack: (message, delay) => giveBack(message, 1, delay),
  release: (message) => giveBack(message, 0),
  extend: () => {},
};

const leave = command('leave', fc.nat(3), (world, who) => {
  withFollower(world, who, (key) => world.leave(key));
});

const purge = command('purge', name, async (world, stream) => {
  if (!world.model.streams.has(stream)) return;
  // Only once nothing is under way is it known what it finds.
  await world.settle();
  const expected = world.model.purge(stream);
  const purged = await world.engine.purgeStream({ stream });
  expectThat(purged === expected, `purged ${purged}, and should be ${expected}`);
});

const remove = command('delete', name, async (world, stream) => {
  if (!world.model.streams.has(stream)) {
    return world.ask(expectError(world.engine.deleteStream(stream), 'StreamNotFound'));
  }
  await world.settle();
  const over = world.model.delete(stream);
  world.ask(world.engine.deleteStream(stream));
  for (const key of over) {
    const { endedWith } = world.followers.get(key)!;
    expectThat(endedWith?.code === 'StreamNotFound', `follower ${key} ended with ${endedWith}`);
    world.followers.delete(key);
  }
});

const restart = command('restart', fc.constant(0), (world) => world.restart());
const crash = command('crash', fc.constant(0), (world) => world.crash());

/** The life of a broker; `restarts` in each hundred commands. Often what moves messages, seldom what ends them. */
export function anyCommands(count: number, restarts: number): fc.Arbitrary<Iterable<ModelCommand>> {
  const moving = [publish, publish, publish, credit, credit, credit, settleHeld, settleHeld, settleHeld];
  const rest = [create, create, follow, follow, settleAny, settleAny, leave];
  const all = Array.from({ length: 6 }, () => [...moving, ...rest]).flat();
  const ends = Array.from({ length: restarts }, () => [restart, crash]).flat();
  return fc.commands([...all, purge, remove, ...ends], { maxCommands: count, size: 'max' });
}

function withFollower(world: World, who: number, act: (key: number) => void): void {
  const keys = [...world.followers.keys()];
  const key = keys[who % Math.max(1, keys.length)];
  if (key !== undefined) act(key);
}

function isMissing(world: World, to: Bind): boolean {
  return 'stream' in to && !world.model.streams.has(to.stream);
}

async function expectError(request: Promise<unknown>, code: string): Promise<void> {
  const error = await request.then(
    () => undefined,
    (cause: { code?: string }) => cause,
  );
  expectThat(error?.code === code, `${code} was expected, and ${error} came`);
}

function expectThat(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}
