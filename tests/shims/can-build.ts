import { spawnSync } from 'node:child_process';

/**
 * Whether a library can be built here that goes between a broker and its disk: on Linux, with gcc. Tests that need one are
 * left out elsewhere, and CI installs it.
 */
export const CAN_BUILD_SHIMS: boolean =
  process.platform === 'linux' && spawnSync('gcc', ['--version']).status === 0;
