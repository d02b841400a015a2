import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DENSE, MUTANTS } from './broker/edits.ts';

const SOURCE = new URL('../../packages/broker/src/', import.meta.url);

test.each([{ name: 'small segments', edits: DENSE }, ...MUTANTS])(
  '$name: what is changed is in the broker once',
  ({ edits }) => {
    for (const { file, from } of edits)
      expect(readFileSync(new URL(file, SOURCE), 'utf8').split(from).length - 1, `${file}: ${from}`).toBe(1);
  },
);
