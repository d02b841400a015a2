import type { RecordingFollower } from '../../packages/broker/test/recording-follower.ts';
import type { GroupBook } from './group-book.ts';

/** A delivery that a member does not have any more. */
export interface Lost {
  readonly sequence: number;
  readonly attempt: number;
}

/** A follower in a group, as the run moves it. */
export interface Member {
  readonly follower: RecordingFollower;
  readonly book: GroupBook;
  readonly leaseMs: number;
  /** How much more than it holds it may get. */
  readonly prefetch: number;
  /** What it settles now comes too late. */
  readonly lost: Lost[];
  /** What it held when its group was moved, as `formerOf` says it: a reject of it is taken for a nack. */
  readonly former: Set<string>;
  isGone: boolean;
  upTo: number;
  delivered: number;
}

export function formerOf({ sequence, attempt }: Lost): string {
  return `${sequence}@${attempt}`;
}

/** One message more came. @returns what is wrong with that */
export function wrongCredit(member: Member): string | undefined {
  member.delivered++;
  if (member.isGone) return 'its follower has left';
  return member.delivered > member.upTo ? `above the credit of ${member.upTo}` : undefined;
}
