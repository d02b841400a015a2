import { Books } from './books.ts';
import type { ReaderArguments } from './messages.ts';
import { PublisherRow, ReaderRow, StreamRow } from './rows.ts';
import type { Audience } from './tally.ts';

/** Each line goes to this stream and to its publisher's own one, in one publish. */
export const JOBS = 'jobs';
export const COPIES_PATTERN = '^copies\\.';

const PUBLISHERS = ['east', 'west'];

interface Part {
  readonly row: ReaderRow;
  readonly script: string;
  readonly argument: Omit<ReaderArguments, 'name' | 'port'>;
}

/** Everyone who takes part but the broker. */
export interface Cast {
  readonly publishers: readonly PublisherRow[];
  readonly readers: readonly Part[];
  readonly streams: readonly StreamRow[];
  readonly audiences: readonly Audience[];
}

export function castOf(): Cast {
  const publishers = PUBLISHERS.map((name) => new PublisherRow(name, 2));
  const jobs = new StreamRow(JOBS);
  const copies = PUBLISHERS.map((name) => new StreamRow(`copies.${name}`));
  const workers: Part[] = [
    worker('quick worker', '', 0, 0),
    worker('slow worker', '5 ms a message', 5, 0),
    worker('fussy worker', 'nacks 3 in 100', 0, 3),
  ];
  const follower: Part = {
    row: new ReaderRow('follower', `of /${COPIES_PATTERN}/`),
    script: 'follower.ts',
    argument: { bind: COPIES_PATTERN, workMs: 0, nackPercent: 0 },
  };
  return {
    publishers,
    readers: [...workers, follower],
    streams: [jobs, ...copies],
    audiences: [
      { name: '3 workers', streams: [jobs], readers: workers.map(({ row }) => row), books: new Books() },
      { name: '1 follower', streams: copies, readers: [follower.row], books: new Books() },
    ],
  };
}

function worker(name: string, note: string, workMs: number, nackPercent: number): Part {
  return {
    row: new ReaderRow(name, note),
    script: 'worker.ts',
    argument: { bind: JOBS, workMs, nackPercent },
  };
}
