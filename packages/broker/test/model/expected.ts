import type { ModelEntry, ModelGroup, ModelStream } from './model-stream.ts';

/** What streamInfo is to tell. */
export function expectedInfo(stream: ModelStream): object {
  const { messages, groups, firstSequence } = stream;
  const nextSequence = messages.length + 1;
  const told = [...groups.values()].map(expectedGroup);
  const left = messages.filter(({ isRemoved }) => !isRemoved).length;
  return { messages: left, nextSequence, firstSequence, delayed: 0, groups: told.sort(byName) };
}

function expectedGroup(
  { name, entries, redelivered }: ModelGroup,
  _nextSequence: number,
): { name: string; [told: string]: unknown } {
  const open = entries.filter(({ state }) => state !== 'done');
  const lag = open.filter(isUndelivered).length;
  return { name, lag, pending: open.length - lag, redelivered };
}

/** The last message up to which the group is done with all. */
export function expectedFloor({ messages }: ModelStream, { entries }: ModelGroup): number {
  const open = entries.find(({ state }) => state !== 'done');
  return (open?.message.sequence ?? messages.length + 1) - 1;
}

/** Also one that was handed back unbegun. */
function isUndelivered({ state, attempt }: ModelEntry): boolean {
  return state === 'fresh' || (state === 'waiting' && attempt === 1);
}

export function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}

/** What `pending` is to tell, a line for each message: its number, its attempt and the key of its holder. */
export function expectedPending({ entries }: ModelGroup): string[] {
  return entries
    .filter((entry) => (entry.state === 'held' || entry.state === 'waiting') && !isUndelivered(entry))
    .map(({ message, attempt, holder }) => `${message.sequence}@${attempt}:${holder ?? 'nobody'}`);
}

/** What reading it from its first message on is to bring. */
export function expectedRead({ messages }: ModelStream): string[] {
  return messages.filter(({ isRemoved }) => !isRemoved).map(({ sequence, body }) => `${sequence} ${body}`);
}

/** Its dead letters, in no order. */
export function expectedLetters({ letters }: ModelStream): string[] {
  return letters
    .map(
      ({ group, sequence, body, cause, attempt }) => `${group}/${sequence} ${body}: ${cause} in ${attempt}`,
    )
    .sort();
}
