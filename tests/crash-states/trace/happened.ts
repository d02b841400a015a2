import type { Operation } from './operations.ts';

/** What a run of a broker has to have done for its states to say anything about it. */
export const HAPPENINGS = {
  transactions: 'transactions that were confirmed',
  exhausted: 'messages that went to the dead letters after too many deliveries',
  rejected: 'messages that were rejected',
  redriven: 'dead letters that were redriven',
  lettersDeleted: 'dead letters that were deleted',
  schedules: 'schedules that were saved',
  schedulesDeleted: 'schedules that were deleted',
  ticks: 'messages of schedules that were delivered',
  dropped: 'messages that a log dropped to make room',
  groupsCreated: 'groups that were created by themselves',
  groupsUpdated: 'groups that were updated',
  groupsReset: 'groups that were moved',
  groupsDeleted: 'groups that were deleted',
  purges: 'streams that were purged',
  streamsDeleted: 'streams that were deleted',
  streamsAgain: 'streams that were created again',
  backups: 'backups that were taken as a whole',
  sweeps: 'sweeps that moved many batches in one commit',
} as const;

export type Happening = keyof typeof HAPPENINGS;
export type Happened = Record<Happening, number>;

export function nothingHappened(): Happened {
  return Object.fromEntries(Object.keys(HAPPENINGS).map((happening) => [happening, 0])) as Happened;
}

/** Batches that are many. */
const MANY = 8;
const MOVE_COLUMNS = 6;
const MOVES = Buffer.from('"moves":[');

/** How many commits moved many batches: what is moved is said in the meta of their records, which is JSON. */
export function sweepsOfMany(operations: readonly Operation[]): number {
  let sweeps = 0;
  for (const operation of operations) {
    if (operation.kind !== 'write') continue;
    const { bytes } = operation;
    const at = bytes.indexOf(MOVES);
    const end = bytes.indexOf(']', at);
    if (at < 0 || end < 0) continue;
    const numbers = bytes.toString('latin1', at + MOVES.length, end).split(',').length;
    if (numbers >= MANY * MOVE_COLUMNS) sweeps++;
  }
  return sweeps;
}

/** @throws Error when a run lacks something that it is for: what its states show would be worth less than it seems */
export function checkHappened(happened: Happened, isSmall: boolean): void {
  const missing = (Object.keys(HAPPENINGS) as Happening[]).filter((happening) => {
    // In a short run of segments as they are there is nothing to be swept.
    return happened[happening] === 0 && (happening !== 'sweeps' || isSmall);
  });
  if (missing.length === 0) return;
  const names = missing.map((happening) => HAPPENINGS[happening]).join(', ');
  throw new Error(`the run is vacuous: in what was written down there are no ${names}`);
}
