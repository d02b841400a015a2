import { afterEach, describe, expect, test, vi } from 'vitest';
import { Checkpoints } from '../../src/store/sqlite/checkpoints.ts';
import { LOG_FILE_BYTES_MAX } from '../../src/store/sqlite/database.ts';
import type { JournaledDatabase } from '../../src/store/sqlite/journaled-database.ts';

const MIB = 1024 * 1024;

describe('a checkpoint', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test('comes when the log of the database is long, or much was appended to the journal', () => {
    const { checkpoints, asked, log } = onStorage();
    checkpoints.committed(20 * MIB);
    expect(asked).toEqual([]);
    checkpoints.committed(20 * MIB);
    expect(asked).toEqual(['PASSIVE']);
    checkpoints.committed(MIB);
    expect(asked).toHaveLength(1);
    log.frames = LOG_FILE_BYTES_MAX / 4096;
    checkpoints.committed(MIB);
    expect(asked).toHaveLength(2);
    checkpoints.stop();
  });

  test('comes when nothing is asked for a while, and shortens the log when that is long', () => {
    vi.useFakeTimers();
    const { checkpoints, asked, log } = onStorage();
    checkpoints.committed(100);
    vi.advanceTimersByTime(400);
    checkpoints.committed(100);
    vi.advanceTimersByTime(500);
    expect(asked).toEqual([]);
    vi.advanceTimersByTime(500);
    expect(asked).toEqual(['PASSIVE']);
    log.frames = LOG_FILE_BYTES_MAX / 4096;
    checkpoints.committed(100);
    vi.advanceTimersByTime(1_000);
    expect(asked.slice(-1)).toEqual(['TRUNCATE']);
    const { length } = asked;
    vi.advanceTimersByTime(10_000);
    expect(asked).toHaveLength(length);
    checkpoints.stop();
  });

  test('that finds the disk full is no fault, and is tried again', () => {
    const { checkpoints, asked } = onStorage(Object.assign(new Error('full'), { code: 'SQLITE_FULL' }));
    expect(() => checkpoints.committed(40 * MIB)).not.toThrow();
    expect(() => checkpoints.committed(1)).not.toThrow();
    expect(asked).toHaveLength(2);
    checkpoints.stop();
  });

  test('that fails in another way is', () => {
    const { checkpoints } = onStorage(Object.assign(new Error('broken'), { code: 'SQLITE_IOERR_WRITE' }));
    expect(() => checkpoints.committed(40 * MIB)).toThrow('broken');
    checkpoints.stop();
  });
});

function onStorage(fault?: Error): { checkpoints: Checkpoints; asked: string[]; log: { frames: number } } {
  const asked: string[] = [];
  const log = { frames: 10 };
  const storage = {
    followed: () => true,
    logFrames: () => log.frames,
    checkpoint: (mode: string) => {
      asked.push(mode);
      if (fault !== undefined) throw fault;
      return { log: log.frames };
    },
  };
  return { checkpoints: new Checkpoints(storage as unknown as JournaledDatabase), asked, log };
}
