/**
 * Messages of one priority travel in batches of their own, and delayed ones apart from those that are not: so a batch
 * is kept, ordered and delivered as one. The lane's number is the priority's times two, and one more for delayed.
 */
export const LANES = 8;

/** Of a message without options: normal, and not delayed. */
export const NORMAL_LANE = 2;

export function laneOf(level: number, isDelayed: boolean): number {
  return level * 2 + (isDelayed ? 1 : 0);
}
