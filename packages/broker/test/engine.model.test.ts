import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { anyCommands } from './model/commands.ts';
import { World } from './model/world.ts';

/** More for those who have the time: SIMPLEMQ_MODEL_RUNS=5000. A failure tells the seed and the path to see it again. */
const RUNS = Number(process.env.SIMPLEMQ_MODEL_RUNS ?? 0);
const LARGE_CACHE = 64 * 1024 * 1024;
const FEW_BATCHES = 300;

describe('whatever is asked of it, the engine does what the model says', () => {
  test.each([
    ['in memory', { isFile: false, cacheBytesMax: LARGE_CACHE, runs: 60, commands: 60 }],
    ['on SQLite', { isFile: true, cacheBytesMax: LARGE_CACHE, runs: 6, commands: 80 }],
    [
      'on SQLite, with a cache of a few batches',
      { isFile: true, cacheBytesMax: FEW_BATCHES, runs: 6, commands: 80 },
    ],
  ])('%s', { timeout: 240_000 }, async (_, { isFile, cacheBytesMax, runs, commands }) => {
    const property = fc.asyncProperty(anyCommands(commands, 1), async (asked) => {
      const folder = isFile ? mkdtempSync(join(tmpdir(), 'simplemq-model-')) : undefined;
      const world = await World.open({ cacheBytesMax, ...(folder !== undefined && { folder }) });
      try {
        await fc.asyncModelRun(() => ({ model: {}, real: world }), asked);
        await world.drain();
      } finally {
        await world.engine.close();
        if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
      }
    });
    // What fails or hangs is to be told with its seed, before the test runs out of time.
    const limits = { timeout: 60_000, interruptAfterTimeLimit: 200_000, markInterruptAsFailure: true };
    await fc.assert(property, { numRuns: RUNS || runs, ...(RUNS === 0 && limits) });
  });
});
