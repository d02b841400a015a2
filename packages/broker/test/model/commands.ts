import fc from 'fast-check';
import {
  bind,
  command,
  expectEnded,
  expectError,
  expectThat,
  group,
  isMissing,
  type ModelCommand,
  name,
  upToOrMany,
  withFollower,
} from './command.ts';
import { createGroup, deleteGroup, reset } from './group-commands.ts';
import { STREAMS } from './kinds.ts';
import { purgeStream } from './model-stream.ts';
import { publish, publishLater } from './publish-commands.ts';
import { settleAny, settleHeld } from './settle-commands.ts';

const create = command('create', name, (world, stream) => {
  const isNew = !world.model.streams.has(stream);
  const options = STREAMS[stream]!;
  if (isNew) world.model.create(stream, options.retention);
  const created = world.engine.createStream(stream, options);
  world.ask(created.then((was) => expectThat(was === isNew, `created is ${was}`)));
});

const follow = command(
  'follow',
  fc.tuple(bind, group, fc.integer({ min: 0, max: 8 }), fc.boolean()),
  async (world, [to, as, credit, stutters]) => {
    if (world.followers.size >= 4) return;
    if (isMissing(world, to)) {
      const sink = { deliver: () => true, ended: () => {} };
      const request = { bind: to, client: 'nobody', upTo: 1, bytesUpTo: 1 };
      return world.ask(expectError(world.engine.follow(request, sink), 'StreamNotFound'));
    }
    // A group that comes to be with it does not get what is acked, which is known once nothing is under way.
    await world.settle();
    await world.follow(to, as, credit, stutters);
  },
);

const credit = command('credit', fc.tuple(fc.nat(3), upToOrMany(20, 1_000)), (world, [who, more]) => {
  withFollower(world, who, (key) => {
    const model = world.model.followers.get(key)!;
    model.upTo += more;
    world.followers.get(key)!.credit(more);
  });
});

const leave = command('leave', fc.tuple(fc.nat(3), fc.boolean()), (world, [who, isLost]) => {
  withFollower(world, who, (key) => world.leave(key, isLost));
});

const purge = command(
  'purge',
  fc.tuple(name, fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined })),
  async (world, [name, sequence]) => {
    const stream = world.model.streams.get(name);
    if (stream === undefined)
      return world.ask(expectError(world.engine.purgeStream({ stream: name }), 'StreamNotFound'));
    // Only once nothing is under way is it known what it finds.
    await world.rest();
    const next = stream.messages.length + 1;
    const expected = purgeStream(stream, Math.min(next, sequence ?? next));
    const purged = await world.engine.purgeStream({
      stream: name,
      ...(sequence !== undefined && { sequence }),
    });
    expectThat(purged === expected, `purged ${purged}, and should be ${expected}`);
  },
);

const remove = command('delete', name, async (world, stream) => {
  if (!world.model.streams.has(stream)) {
    return world.ask(expectError(world.engine.deleteStream(stream), 'StreamNotFound'));
  }
  await world.rest();
  const over = world.model.delete(stream);
  world.ask(world.engine.deleteStream(stream));
  expectEnded(world, over, 'StreamNotFound');
});

const restart = command('restart', fc.constant(0), (world) => world.restart());
const crash = command('crash', fc.constant(0), (world) => world.crash());

/** The life of a broker; `restarts` in each hundred commands. Often what moves messages, seldom what ends them. */
export function anyCommands(count: number, restarts: number): fc.Arbitrary<Iterable<ModelCommand>> {
  const moving = [publish, publish, publish, credit, credit, credit, settleHeld, settleHeld, settleHeld];
  const rest = [create, create, follow, follow, settleAny, leave];
  const all = Array.from({ length: 6 }, () => [...moving, ...rest]).flat();
  const seldom = [createGroup, createGroup, publishLater, reset, deleteGroup, purge, purge, remove];
  const ends = Array.from({ length: restarts }, () => [restart, crash]).flat();
  return fc.commands([...all, ...seldom, ...ends], { maxCommands: count, size: 'max' });
}
