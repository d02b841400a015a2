import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './scripts/longest-first.ts';

/** Packages import one another's sources, as everything does that npm runs; there is no build before a test. */
const conditions = ['@simplemq/source', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'tests/**/*.test.ts'],
    reporters: ['default', './scripts/tally-reporter.ts'],
    // Many tests wait for a process, a disk or a timer: one worker for each processor, and not one less.
    maxWorkers: '100%',
    sequence: { sequencer: LongestFirst },
    // Generous: a test ends when what it waits for happens, and a shared machine may be slow.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What tests start as processes of their own, hundreds of times, is read and compiled once.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)) },
    // Node.js reads TypeScript by WebAssembly, also in each storage thread, and V8 ends the process now and then when it
    // compiles the wrappers of that anew in one thread while another runs them: it is not to compile them anew.
    execArgv: ['--wasm-wrapper-tiering-budget=1000000000'],
  },
});
