/** An input that a target did not read as it should. Its hex is all that is needed to see it again. */
export class FuzzFailure extends Error {
  readonly target: string;
  readonly input: Buffer;

  constructor(target: string, input: Buffer, seed: number, number: number, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const where = number === 0 ? 'an input of the corpus' : `input ${number} of the seed ${seed}`;
    super(`${target}: ${where}: ${why}\n${input.toString('hex')}`, { cause });
    this.name = 'FuzzFailure';
    this.target = target;
    this.input = Buffer.from(input);
  }
}
