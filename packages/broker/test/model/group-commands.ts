import type { StartFrom } from '@simplemq/protocol';
import fc from 'fast-check';
import { command, expectEnded, expectError, expectThat, group, name } from './command.ts';
import { GROUPS } from './kinds.ts';
import type { ModelStream } from './model-stream.ts';

const startFrom: fc.Arbitrary<StartFrom> = fc.oneof(
  fc.constantFrom<StartFrom>('first', 'new'),
  fc.integer({ min: 0, max: 60 }).map((sequence) => ({ sequence })),
);

/** The sequence number that is meant. */
function startOf({ firstSequence, messages }: ModelStream, from: StartFrom): number {
  const next = messages.length + 1;
  if (from === 'first') return firstSequence;
  if (from === 'new' || 'time' in from) return next;
  return Math.min(next, Math.max(firstSequence, from.sequence));
}

export const createGroup = command(
  'create group',
  fc.tuple(name, group, startFrom),
  async (world, [streamName, groupName, from]) => {
    const request = { stream: streamName, group: groupName, startFrom: from, options: GROUPS[groupName]! };
    const stream = world.model.streams.get(streamName);
    if (stream === undefined)
      return world.ask(expectError(world.engine.createGroup(request), 'StreamNotFound'));
    const isNew = !stream.groups.has(groupName);
    // What is acked already, and so not the new group's, is known once nothing is under way.
    await world.settle();
    world.model.ensureGroup(stream, groupName, startOf(stream, from));
    const created = await world.engine.createGroup(request);
    expectThat(created === isNew, `created is ${created}`);
  },
);

export const deleteGroup = command(
  'delete group',
  fc.tuple(name, group),
  async (world, [streamName, groupName]) => {
    const stream = world.model.streams.get(streamName);
    if (stream?.groups.has(groupName) !== true) {
      const code = stream === undefined ? 'StreamNotFound' : 'GroupNotFound';
      return world.ask(expectError(world.engine.deleteGroup(streamName, groupName), code));
    }
    // What was acked out of order shows again when the last group is gone, as long as its batch is there.
    if (stream.groups.size === 1) return;
    await world.rest();
    const over = world.model.deleteGroup(stream, groupName);
    world.ask(world.engine.deleteGroup(streamName, groupName));
    await Promise.resolve();
    expectEnded(world, over, 'GroupNotFound');
  },
);

export const reset = command(
  'reset group',
  fc.tuple(name, group, startFrom),
  async (world, [streamName, groupName, from]) => {
    const request = { stream: streamName, group: groupName, startFrom: from };
    const stream = world.model.streams.get(streamName);
    const known = stream?.groups.get(groupName);
    if (stream === undefined || known === undefined) {
      const code = stream === undefined ? 'StreamNotFound' : 'GroupNotFound';
      return world.ask(expectError(world.engine.resetGroup(request), code));
    }
    await world.rest();
    world.model.resetGroup(stream, known, startOf(stream, from));
    await world.engine.resetGroup(request);
  },
);
