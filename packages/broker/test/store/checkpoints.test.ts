import type { Database } from 'better-sqlite3';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Checkpoints, LOG_FILE_BYTES_MAX } from '../../src/store/sqlite/checkpoints.ts';

const MIB = 1024 * 1024;

describe('a checkpoint', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test('comes when the database has grown by some, or the log by more', () => {
    const { checkpoints, asked } = onDatabase();
    checkpoints.committed({ bytesAdded: 3 * MIB, bytesRemoved: 0 });
    expect(asked).toEqual([]);
    checkpoints.committed({ bytesAdded: 2 * MIB, bytesRemoved: 0 });
    expect(asked).toHaveLength(1);
    for (let i = 0; i < 100; i++) {
      checkpoints.committed({ bytesAdded: MIB, bytesRemoved: MIB });
    }
    expect(asked.length).toBeGreaterThan(3);
    expect(asked.length).toBeLessThan(15);
    checkpoints.stop();
  });

  test('empties the log when nothing is asked for a while, and shortens its file when that is long', () => {
    vi.useFakeTimers();
    const { checkpoints, asked, log } = onDatabase();
    checkpoints.committed({ bytesAdded: 100, bytesRemoved: 0 });
    vi.advanceTimersByTime(400);
    checkpoints.committed({ bytesAdded: 100, bytesRemoved: 0 });
    vi.advanceTimersByTime(500);
    expect(asked).toEqual([]);
    vi.advanceTimersByTime(500);
    expect(asked).toEqual(['wal_checkpoint(PASSIVE)']);
    log.frames = LOG_FILE_BYTES_MAX / 4096;
    checkpoints.committed({ bytesAdded: LOG_FILE_BYTES_MAX, bytesRemoved: 0 });
    expect(asked).toEqual(Array(2).fill('wal_checkpoint(PASSIVE)'));
    vi.advanceTimersByTime(1_000);
    expect(asked.slice(2)).toEqual(['wal_checkpoint(TRUNCATE)']);
    vi.advanceTimersByTime(10_000);
    expect(asked).toHaveLength(3);
    checkpoints.stop();
  });

  test('that finds the disk full is no fault, and is tried again', () => {
    const { checkpoints, asked } = onDatabase(Object.assign(new Error('full'), { code: 'SQLITE_FULL' }));
    const large = { bytesAdded: 8 * MIB, bytesRemoved: 0 };
    expect(() => checkpoints.committed(large)).not.toThrow();
    expect(() => checkpoints.committed(large)).not.toThrow();
    expect(asked).toHaveLength(2);
    checkpoints.stop();
  });

  test('that fails in another way is', () => {
    const { checkpoints } = onDatabase(Object.assign(new Error('broken'), { code: 'SQLITE_IOERR_WRITE' }));
    const large = { bytesAdded: 8 * MIB, bytesRemoved: 0 };
    expect(() => checkpoints.committed(large)).toThrow('broken');
    checkpoints.stop();
  });
});

function onDatabase(fault?: Error): { checkpoints: Checkpoints; asked: string[]; log: { frames: number } } {
  const asked: string[] = [];
  const log = { frames: 10 };
  const pragma = (text: string) => {
    asked.push(text);
    if (fault !== undefined) throw fault;
    return [{ log: log.frames }];
  };
  return { checkpoints: new Checkpoints({ pragma } as unknown as Database), asked, log };
}
