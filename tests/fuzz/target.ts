import type { Random } from './random.ts';

/** A part of SimpleMQ that reads what a stranger wrote, as the fuzzing drives it. */
export interface Target {
  readonly name: string;
  /** What mutations start from, besides what is kept in the corpus. */
  readonly seeds: readonly Buffer[];
  /** Bytes that mean something to it. */
  readonly pieces: readonly Buffer[];
  readonly inputBytesMax: number;
  /** An input that takes longer, each of several times, is a failure. */
  readonly inputMsMax: number;
  /**
   * Reads one input, which is gone afterwards: it lies where the next one will.
   *
   * @returns what came of it: the message of a refusal, or what it was taken for
   * @throws Error when it is neither read nor refused as it should be
   */
  run(input: Buffer): string;
  /** Makes an input of its own, where changing bytes of others would hardly lead. */
  generate?(random: Random): string;
  /** Makes a changed input right again in what would hide the rest of it: a checksum, a length. */
  repair?(input: Buffer): void;
  /** Removes what it left on the disk. */
  close?(): void;
}

const SLUG_LENGTH_MAX = 80;

/** What is the same for all inputs that come to the same end, whatever names and numbers are in its message. */
export function outcomeKey(outcome: string): string {
  const withoutParts = outcome
    .replace(/`.*`|".*"|"[^"]*…|'.*'|\*\S+,/gs, 'x')
    .replace(/of type \w+/g, 'of another type')
    .replace(/0x[0-9a-f]+|\d+/g, 'n')
    .replace(/\b[A-Z][A-Z_]+[A-Z]\b/g, 'frame');
  const slug = withoutParts.toLowerCase().replace(/[^a-z]+/g, '-');
  return slug.replace(/^-|-$/g, '').slice(0, SLUG_LENGTH_MAX) || 'nothing';
}
