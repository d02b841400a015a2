import type { DamagedBatch } from './damaged-batches.ts';

/** How it is seen of a row. */
export const WRONG_ROW = 'its row in the database does not match its checksum';

/** Rows that are not as they were written were met: they are to be set aside, and the question asked again. */
export class DamagedRows extends Error {
  readonly rows: readonly DamagedBatch[];

  constructor(rows: readonly DamagedBatch[]) {
    super('rows of batches do not match their checksum');
    this.rows = rows;
  }
}
