import { describe, expect, test } from 'vitest';
import { hasRoom } from '../../src/store/sqlite/disk-room.ts';

const MIB = 1024 * 1024;
const disk = (sizeMiB: number, freeMiB: number) => ({ blocks: sizeMiB, bavail: freeMiB, bsize: MIB });

describe('a disk has room for a publish', () => {
  test.each([
    ['with all of it free', disk(1_000_000, 1_000_000), 0, true],
    ['down to the reserve', disk(1_000_000, 65), 0, true],
    ['not for what would use the reserve', disk(1_000_000, 64), 0, false],
    ['not when it is full', disk(1_000_000, 0), 0, false],
    ['for as much as is free inside the journal', disk(1_000_000, 60), 5, true],
    ['not for more than that', disk(1_000_000, 60), 4, false],
    ['down to a tenth of a small one', disk(100, 11), 0, true],
    ['not below that', disk(100, 10), 0, false],
  ])('%s', (_, space, roomMiB, expected) => {
    expect(hasRoom(space, { newBytes: MIB, movedBytes: 0 }, roomMiB * MIB)).toBe(expected);
  });
});

describe('a disk has room for what only moves', () => {
  test.each([
    ['below the reserve of publishes', disk(1_000_000, 33), 0, true],
    ['not for what acks need', disk(1_000_000, 32), 0, false],
    ['for as much as is free inside the journal', disk(1_000_000, 30), 3, true],
    ['down to a twentieth of a small one', disk(100, 6), 0, true],
    ['not below that', disk(100, 5), 0, false],
  ])('%s', (_, space, roomMiB, expected) => {
    expect(hasRoom(space, { newBytes: 0, movedBytes: MIB }, roomMiB * MIB)).toBe(expected);
  });

  test('and not for a publish beside it that has none', () => {
    const bytes = { newBytes: MIB, movedBytes: MIB };
    expect(hasRoom(disk(1_000_000, 65), bytes, 0)).toBe(true);
    expect(hasRoom(disk(1_000_000, 64), bytes, 0)).toBe(false);
  });
});
