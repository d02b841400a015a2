import { describe, expect, test } from 'vitest';
import { KnownGroups } from '../../src/store/sqlite/known-groups.ts';
import type { StoredGroup } from '../../src/store/store.ts';

const NONE = { deletedStreams: [], deletedGroups: [], groups: [] };
const GROUP: StoredGroup = {
  id: 7,
  streamId: 1,
  name: 'workers',
  createdAt: 5,
  policy: { ordering: 'none', yieldEvery: 0 },
  positions: [
    { lane: 0, ackFloor: 1, readPosition: 4, ordinal: 3 },
    { lane: 1, ackFloor: 0, readPosition: 1, ordinal: 0 },
  ],
};
const HEAD = { id: 7, streamId: 1, name: 'workers', createdAt: 5, policy: GROUP.policy };

describe('of a group', () => {
  test('that is new all is written, and then only what changes', () => {
    const known = new KnownGroups([]);
    const first = known.takeChanges({ ...NONE, groups: [GROUP] });
    expect(first).toEqual({ groups: [HEAD], positions: [7, 0, 1, 4, 3, 7, 1, 0, 1, 0] });
    const moved = { ...GROUP, policy: { ...GROUP.policy } };
    expect(known.takeChanges({ ...NONE, groups: [moved] })).toEqual({ groups: [], positions: [] });
    const positions = [{ lane: 0, ackFloor: 2, readPosition: 4, ordinal: 3 }, GROUP.positions[1]!];
    const next = known.takeChanges({ ...NONE, groups: [{ ...moved, positions }] });
    expect(next).toEqual({ groups: [], positions: [7, 0, 2, 4, 3] });
    const policy = { ordering: 'key', yieldEvery: 0 };
    const changed = known.takeChanges({ ...NONE, groups: [{ ...moved, policy, positions }] });
    expect(changed).toEqual({ groups: [{ ...HEAD, policy }], positions: [] });
  });

  test('that was stored before only what changed is written', () => {
    const known = new KnownGroups([GROUP]);
    expect(known.takeChanges({ ...NONE, groups: [GROUP] })).toEqual({ groups: [], positions: [] });
  });

  test.each(['ackFloor', 'readPosition', 'ordinal'] as const)(
    'a position is written when its %s changes',
    (name) => {
      const known = new KnownGroups([GROUP]);
      const position = { ...GROUP.positions[0]!, [name]: 9 };
      const { positions } = known.takeChanges({ ...NONE, groups: [{ ...GROUP, positions: [position] }] });
      expect(positions).toEqual([7, 0, position.ackFloor, position.readPosition, position.ordinal]);
    },
  );

  test.each([
    ['a commit was refused', (known: KnownGroups) => known.forget({ groups: [GROUP] })],
    ['it was deleted', (known: KnownGroups) => known.takeChanges({ ...NONE, deletedGroups: [7] })],
    ['its stream was deleted', (known: KnownGroups) => known.takeChanges({ ...NONE, deletedStreams: [1] })],
  ])('all is written after %s', (_, act) => {
    const known = new KnownGroups([GROUP]);
    act(known);
    expect(known.takeChanges({ ...NONE, groups: [GROUP] })).toMatchObject({ groups: [HEAD] });
  });
});
