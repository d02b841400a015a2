import { InvalidArgumentError } from 'commander';

/** What one command may name. */
const IDS_MAX = 100_000;

/** Reads one of several arguments, an id as '41' or some as '41-45', and adds it to those before. */
export function idRange(text: string, before: readonly number[] = []): readonly number[] {
  const [, first = '', last = first] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  const ids = first === '' ? Number.NaN : Number(last) - Number(first) + 1;
  if (!(ids >= 1 && Number.isSafeInteger(Number(last)))) {
    throw new InvalidArgumentError('It must be a number, or a range as 41-45.');
  }
  if (before.length + ids > IDS_MAX) {
    throw new InvalidArgumentError(
      `It makes more than ${IDS_MAX.toLocaleString('en-US')}: name fewer at once.`,
    );
  }
  return [...before, ...Array.from({ length: ids }, (_, index) => Number(first) + index)];
}
