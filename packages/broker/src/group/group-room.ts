import { InvalidOption } from '@simplemq/protocol';
import { GROUPS_FOR_EACH_STREAM, GROUPS_MAX, GROUPS_PER_STREAM_MAX } from '../limits.ts';

/** How many groups and streams there are. */
export interface GroupCounts {
  readonly ofStream: number;
  readonly ofAll: number;
  readonly streams: number;
}

/**
 * Whether one more may be made when it is asked for. Those of a stream that has just come are made without: its followers
 * by pattern have to be in it from its first message on.
 *
 * @throws InvalidOption
 */
export function checkGroupRoom({ ofStream, ofAll, streams }: GroupCounts): void {
  if (ofStream >= GROUPS_PER_STREAM_MAX) {
    throw noRoom(
      `the stream has ${ofStream} groups, and ${GROUPS_PER_STREAM_MAX} is as many as one may have`,
    );
  }
  const most = Math.max(GROUPS_MAX, GROUPS_FOR_EACH_STREAM * streams);
  if (ofAll >= most) throw noRoom(`there are ${ofAll} groups in all, and ${most} is as many as there may be`);
}

function noRoom(what: string): Error {
  return new InvalidOption(`${what}; delete some, or use one that is there`, {
    details: { option: 'group' },
  });
}
