import { Opcode } from '@simplemq/protocol';
import { RIGHT_BITS } from '../users/rights.ts';

/** What a request needs on each stream that it touches. */
export interface Need {
  /** For people: completes 'may not …'. */
  readonly verb: string;
  /** Rights, as bits, of which one set must be there whole. */
  readonly anyOf: readonly number[];
  /** It is about the broker as a whole, and needs the right to everything on every stream. */
  readonly isOfBroker?: boolean;
}

const { publish, follow, manage } = RIGHT_BITS;

const PUBLISH: Need = { verb: 'publish to', anyOf: [publish] };
const FOLLOW: Need = { verb: 'follow', anyOf: [follow] };
const MANAGE: Need = { verb: 'manage', anyOf: [manage] };
/** To look at how its groups are getting on. */
const WATCH: Need = { verb: 'look into', anyOf: [follow, manage] };
/** To know that it is there. */
const SEE: Need = { verb: 'see', anyOf: [publish, follow, manage] };
/** A schedule publishes for ever after, whatever becomes of who saved it. */
const SCHEDULE: Need = { verb: 'schedule messages to', anyOf: [publish | manage] };
/** It is about a follower of this very connection, which needed a right to begin: no stream is touched otherwise. */
const OWN: Need = { verb: 'use', anyOf: [] };

/** A copy has the messages of all streams. */
const COPY: Need = { verb: 'copy the whole broker', anyOf: [], isOfBroker: true };
const RECONFIGURE: Need = { verb: 'change the settings', anyOf: [], isOfBroker: true };

/**
 * What each request needs of who sends it, by opcode. One that is not here is refused to every user, so that a request
 * which is added and forgotten here is a fault that is seen, and no hole.
 */
export const NEEDS: ReadonlyMap<number, Need> = new Map([
  [Opcode.CreateStream, MANAGE],
  [Opcode.UpdateStream, MANAGE],
  [Opcode.DeleteStream, MANAGE],
  [Opcode.PurgeStream, MANAGE],
  [Opcode.ListStreams, SEE],
  [Opcode.StreamInfo, SEE],
  [Opcode.Read, FOLLOW],
  [Opcode.CreateGroup, MANAGE],
  [Opcode.UpdateGroup, MANAGE],
  [Opcode.DeleteGroup, MANAGE],
  [Opcode.ListGroups, WATCH],
  [Opcode.GroupInfo, WATCH],
  [Opcode.ResetGroup, MANAGE],
  [Opcode.Pending, WATCH],
  [Opcode.Publish, PUBLISH],
  // Its acks are of followers of this connection.
  [Opcode.Transaction, PUBLISH],
  [Opcode.Follow, FOLLOW],
  [Opcode.Unfollow, OWN],
  [Opcode.Credit, OWN],
  [Opcode.Ack, OWN],
  [Opcode.Nack, OWN],
  [Opcode.Extend, OWN],
  [Opcode.Release, OWN],
  [Opcode.Reject, OWN],
  [Opcode.DeadLetters, FOLLOW],
  [Opcode.Redrive, MANAGE],
  [Opcode.DeleteDeadLetters, MANAGE],
  [Opcode.ListDelayed, WATCH],
  [Opcode.CancelDelayed, MANAGE],
  [Opcode.SaveSchedule, SCHEDULE],
  [Opcode.ListSchedules, SEE],
  [Opcode.PauseSchedule, SCHEDULE],
  [Opcode.DeleteSchedule, SCHEDULE],
  [Opcode.BeginBackup, COPY],
  [Opcode.ReadBackup, COPY],
  [Opcode.EndBackup, COPY],
  [Opcode.Health, OWN],
  [Opcode.Reload, RECONFIGURE],
]);

export function isMet({ anyOf }: Need, bits: number): boolean {
  return anyOf.some((set) => (bits & set) === set);
}
