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
    expect(hasRoom(space, MIB, roomMiB * MIB)).toBe(expected);
  });
});
