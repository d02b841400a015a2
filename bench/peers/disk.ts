import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { percentile } from '../role.ts';

/** What the disk does without any broker. */
export interface DiskFigures {
  /** Sequential writes of 1 MiB, an fdatasync after each. */
  readonly syncedMiBPerSecond: number;
  /** Sequential writes of 1 MiB, one fdatasync after each 64. */
  readonly batchedMiBPerSecond: number;
  /** One write of 4 KiB and its fdatasync. */
  readonly syncP50Ms: number;
  readonly syncP99Ms: number;
}

const MIB = 2 ** 20;
const BLOCKS = 128;
const BLOCKS_A_BATCH = 64;
const SYNCS = 500;

export async function measureDisk(folder: string): Promise<DiskFigures> {
  const file = await open(join(folder, 'disk'), 'w');
  try {
    const syncedMiBPerSecond = await rate(file, 1);
    const batchedMiBPerSecond = await rate(file, BLOCKS_A_BATCH);
    const samples = new Float64Array(SYNCS);
    const page = Buffer.alloc(4096, 1);
    for (let i = 0; i < SYNCS; i++) {
      const start = performance.now();
      await file.write(page);
      await file.datasync();
      samples[i] = performance.now() - start;
    }
    return {
      syncedMiBPerSecond,
      batchedMiBPerSecond,
      syncP50Ms: percentile(samples, 0.5),
      syncP99Ms: percentile(samples, 0.99),
    };
  } finally {
    await file.close();
  }
}

/** MiB a second, with an fdatasync for each so many blocks. */
async function rate(file: FileHandle, blocksASync: number): Promise<number> {
  const block = Buffer.alloc(MIB, 1);
  const start = performance.now();
  for (let i = 1; i <= BLOCKS; i++) {
    await file.write(block);
    if (i % blocksASync === 0) await file.datasync();
  }
  return (BLOCKS * 1_000) / (performance.now() - start);
}
