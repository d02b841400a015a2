import {
  decodeAttributes,
  encodeAttributes,
  type ScannedAttributes,
  scanAttributes,
  scanValue,
} from '@simplemq/protocol';
import fc from 'fast-check';
import { looseAttributes } from '../../../packages/protocol/test/batch/attribute-bytes.ts';
import { anyAttributes } from '../../../packages/protocol/test/batch/batch-bytes.ts';
import { payloadOf, sampleFrames } from '../../../packages/protocol/test/commands/command-codecs.ts';
import { PIECES } from '../mutate.ts';
import type { Target } from '../target.ts';
import { refusalOf } from './refusal.ts';

const SAMPLES = { seed: 7, numRuns: 60 };
const TEXTS = ['key', 'messageId', 'group'] as const;
const NUMBERS = ['priority', 'deliverAt', 'delayMs', 'ttlMs'] as const;

/**
 * The scan of msgpack, and both readers of a message's attributes: the one that the broker has for what crosses it must
 * give what the other one gives.
 */
export const SCAN: Target = {
  name: 'scan',
  seeds: [
    ...fc.sample(anyAttributes, SAMPLES).map((attributes) => encodeAttributes(attributes)),
    ...fc.sample(looseAttributes, SAMPLES),
    ...sampleFrames().map(payloadOf),
  ],
  pieces: [
    ...PIECES,
    ...[...TEXTS, ...NUMBERS, 'headers', 'dead'].map((name) =>
      Buffer.from(`\xa0${name}`, 'latin1').fill(0xa0 + name.length, 0, 1),
    ),
  ],
  inputBytesMax: 4_096,
  inputMsMax: 1_000,
  run: (input) => {
    const end = scanned(input);
    const refusal = readBoth(input);
    if (typeof end === 'string') {
      if (refusal === undefined) throw new Error('attributes are read that the scan refuses');
      return end;
    }
    if (end > input.length) throw new Error(`the scan ends at ${end} of ${input.length} bytes`);
    return refusal ?? 'is read';
  },
};

function scanned(input: Buffer): number | string {
  try {
    return scanValue(input, 0);
  } catch (error) {
    return refusalOf(error);
  }
}

/** @returns how the attributes are refused, if they are */
function readBoth(input: Buffer): string | undefined {
  let found: ScannedAttributes | undefined;
  let scanRefusal = '';
  try {
    found = scanAttributes(input);
  } catch (error) {
    scanRefusal = (error as { code: string }).code;
    refusalOf(error);
  }
  try {
    requireSame(decodeAttributes(input), found);
    return undefined;
  } catch (error) {
    const refusal = refusalOf(error);
    if (scanRefusal !== (error as { code: string }).code) {
      throw new Error(`one reader of attributes says ${scanRefusal || 'yes'} and the other: ${refusal}`);
    }
    return refusal;
  }
}

function requireSame(
  expected: ReturnType<typeof decodeAttributes>,
  found: ScannedAttributes | undefined,
): void {
  const isSame =
    found !== undefined &&
    TEXTS.every((name) => expected[name] === found[name]?.toString()) &&
    NUMBERS.every((name) => expected[name] === found[name]) &&
    found.isDead === (expected.dead !== undefined);
  if (!isSame) throw new Error(`two readers of attributes disagree: ${JSON.stringify([expected, found])}`);
}
