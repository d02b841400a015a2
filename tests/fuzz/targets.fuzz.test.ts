import { afterAll, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../packages/protocol/test/commands/command-codecs.ts';
import { decodeEverything, REFUSALS } from '../../packages/protocol/test/commands/hostile-bytes.ts';
import { Corpus } from './corpus.ts';
import { fuzz } from './fuzz.ts';
import { DECODER } from './targets/decoder.ts';
import { TARGETS } from './targets/targets.ts';

/** How long to go on with each; FUZZ_SEED repeats a run that failed. */
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 1);
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
const TIMEOUT_MS = SECONDS * 1_000 + 60_000;

describe.each(TARGETS)('$name', (target) => {
  const { inputs: kept } = new Corpus(target);

  afterAll(() => target.close?.());

  test('what is kept of former runs is read or refused as it should be', () => {
    expect(kept.length).toBeGreaterThan(5);
    for (const input of [...target.seeds, ...kept]) {
      try {
        target.run(Buffer.from(input));
      } catch (cause) {
        throw new Error(`${target.name}: ${input.toString('hex')}`, { cause });
      }
    }
  });

  test('anything is read or refused as it should be, in a bounded time', { timeout: TIMEOUT_MS }, () => {
    const report = fuzz(target, { inputs: Infinity, seconds: SECONDS, seed: SEED, kept });
    expect(report.inputs).toBeGreaterThan(100);
  });
});

test('a payload that is meant for one command makes no other one throw anything but a refusal', () => {
  for (const input of [...DECODER.seeds, ...new Corpus(DECODER).inputs]) {
    for (const command of COMMANDS) {
      const refusal = decodeEverything(command, Buffer.from(input.subarray(1))) as
        | { code?: string }
        | undefined;
      if (refusal !== undefined)
        expect(REFUSALS, `${command.name} ${input.toString('hex')}`).toContain(refusal.code);
    }
  }
});
