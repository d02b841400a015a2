import type { ScheduleSummary } from '@simplemq/protocol';
import type { Knowledge } from '../trace/knowledge.ts';
import type { KnownStream } from '../trace/known-stream.ts';
import type { Sight } from './sight.ts';
import type { Violation } from './violation.ts';

/** Less than from one time of a schedule to the next, which is a second. */
const JOINED_MS = 900;

/** Groups are as they were created, updated and deleted. */
export function checkGroups({ name, groups }: KnownStream, { gets, maxDeliveries }: Sight): Violation[] {
  const violations: Violation[] = [];
  const broken = (text: string): void => {
    violations.push({ rule: 'groups', text });
  };
  for (const [group, { state, maxDeliveries: known }] of groups) {
    const isThere = gets.has(group);
    if (state === 'there' && !isThere) broken(`the group ${group} of ${name} is missing`);
    if (state === 'deleted' && isThere) broken(`the group ${group} of ${name} was deleted`);
    if (!isThere || known.told === undefined || known.asked !== undefined) continue;
    const has = maxDeliveries.get(group);
    if (has !== known.told) {
      broken(`the group ${group} of ${name} has maxDeliveries ${has}, and ${known.told} was told`);
    }
  }
  return violations;
}

/** What was purged is neither there nor delivered. */
export function checkPurge({ name, purge }: KnownStream, { contents, gets }: Sight): Violation[] {
  const violations: Violation[] = [];
  const isPurged = (sequence: number): boolean => sequence < purge.told;
  for (const sequence of contents.keys()) {
    if (isPurged(sequence))
      violations.push({ rule: 'purged', text: `${name} has ${sequence}, which was purged` });
  }
  for (const [group, sequences] of gets) {
    const purged = [...sequences].filter(isPurged);
    if (purged.length === 0) continue;
    violations.push({ rule: 'purged', text: `${name} delivers ${purged.join(', ')} to ${group}, purged` });
  }
  return violations;
}

/** Schedules are as they were saved and deleted. */
export function checkSchedules(
  { schedules: known }: Knowledge,
  listed: readonly ScheduleSummary[],
): Violation[] {
  const names = new Set(listed.map(({ name }) => name));
  return [...known].flatMap(([name, { state }]): Violation[] => {
    const isThere = names.has(name);
    if (state === 'there' && !isThere) return [{ rule: 'schedules', text: `${name} is missing` }];
    if (state === 'deleted' && isThere) return [{ rule: 'schedules', text: `${name} was deleted` }];
    return [];
  });
}

/**
 * What a schedule published last, as it says itself, is on its stream: the two are stored together.
 *
 * @param listed as it was before the stream was looked at and a time that had passed was made up for
 */
export function checkTicks(
  listed: readonly ScheduleSummary[],
  { name: stream }: KnownStream,
  { contents }: Sight,
): Violation[] {
  const messages = [...contents.values()];
  return listed.flatMap(({ name, stream: to, lastAt }): Violation[] => {
    if (to !== stream || lastAt === undefined) return [];
    // Messages of one commit bear the time of the first of them.
    const from = lastAt - JOINED_MS;
    // A log drops the oldest first, so where there is an older one it has dropped none of those that are newer.
    const isKept = messages.some(({ time }) => time < from);
    const isThere = messages.some(({ id, time }) => id === name && time >= from && time < lastAt + JOINED_MS);
    if (!isKept || isThere) return [];
    return [{ rule: 'schedules', text: `${stream} lacks what ${name} published last` }];
  });
}
