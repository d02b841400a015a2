import type { Database } from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { Checkpoints } from '../../src/store/sqlite/checkpoints.ts';

const MIB = 1024 * 1024;

describe('a checkpoint', () => {
  test('comes when the database has grown by some, or the log by more', () => {
    const { checkpoints, asked } = onDatabase();
    checkpoints.committed({ removed: [], bytesAdded: 3 * MIB, bytesRemoved: 0 });
    expect(asked).toEqual([]);
    checkpoints.committed({ removed: [], bytesAdded: 2 * MIB, bytesRemoved: 0 });
    expect(asked).toHaveLength(1);
    for (let i = 0; i < 100; i++) {
      checkpoints.committed({ removed: [], bytesAdded: MIB, bytesRemoved: MIB });
    }
    expect(asked.length).toBeGreaterThan(3);
    expect(asked.length).toBeLessThan(15);
    checkpoints.stop();
  });

  test('that finds the disk full is no fault, and is tried again', () => {
    const { checkpoints, asked } = onDatabase(Object.assign(new Error('full'), { code: 'SQLITE_FULL' }));
    const large = { removed: [], bytesAdded: 8 * MIB, bytesRemoved: 0 };
    expect(() => checkpoints.committed(large)).not.toThrow();
    expect(() => checkpoints.committed(large)).not.toThrow();
    expect(asked).toHaveLength(2);
    checkpoints.stop();
  });

  test('that fails in another way is', () => {
    const { checkpoints } = onDatabase(Object.assign(new Error('broken'), { code: 'SQLITE_IOERR_WRITE' }));
    const large = { removed: [], bytesAdded: 8 * MIB, bytesRemoved: 0 };
    expect(() => checkpoints.committed(large)).toThrow('broken');
    checkpoints.stop();
  });
});

function onDatabase(fault?: Error): { checkpoints: Checkpoints; asked: string[] } {
  const asked: string[] = [];
  const pragma = (text: string) => {
    asked.push(text);
    if (fault !== undefined) throw fault;
  };
  return { checkpoints: new Checkpoints({ pragma } as unknown as Database), asked };
}
