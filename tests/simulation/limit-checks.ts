import type { Book } from './book.ts';
import type { StreamBook } from './group-book.ts';
import { LATE_MS } from './schedule-book.ts';
import type { World } from './world.ts';

/** Ages are looked at this often, in ms. */
const LOOK_MS = 1_000;

/** A commit has moved the old end of a stream. */
export function checkTrimmed(book: Book, stream: StreamBook, from: number, to: number): void {
  const limits = book.expected.limitsOf(stream.name);
  let dropped = 0;
  for (const sequence of stream.bodies.keys()) if (sequence >= from && sequence < to) dropped++;
  book.count('messages dropped', dropped);
  if (stream.isLoose || stream.wasPurged || book.deletedNames.has(stream.name)) return;
  const { maxAgeMs = 0, maxMessages = 0, maxBytes = 0, retention, overflow } = limits;
  const isByCount = overflow === 'drop-oldest' && maxBytes === 0 && maxMessages > 0;
  const isByAge = maxAgeMs > 0 && overflow !== 'drop-oldest' && book.isClockRight;
  if (isByAge) {
    const young = [...stream.times].find(
      ([sequence, time]) =>
        sequence >= from &&
        sequence < to &&
        time >= book.time.wall - maxAgeMs &&
        (retention === 'log' || isOpen(book, stream, sequence)),
    );
    if (young !== undefined)
      book.violate(
        'droppedEarly',
        `${young[0]} of ${stream.name} is ${book.time.wall - young[1]} ms old, and may be ${maxAgeMs}`,
      );
  }
  // With retention 'work' those that are acked do not count, and nobody sees when that is.
  if (!isByCount || retention !== 'log' || maxAgeMs > 0) return;
  let left = 0;
  for (const sequence of stream.bodies.keys()) if (sequence >= to) left++;
  if (left < maxMessages)
    book.violate('droppedEarly', `${stream.name} keeps ${left} messages, and may have ${maxMessages}`);
}

/** Whether a group is not done with it, for sure. */
function isOpen(book: Book, stream: StreamBook, sequence: number): boolean {
  const body = stream.bodies.get(sequence) ?? '';
  if (stream.redriven.has(sequence) || book.publications.get(body)?.attributes.ttlMs !== undefined)
    return false;
  return [...stream.groups.values()].some(({ isLoose, obligedFrom, entries }) => {
    const state = entries.get(sequence)?.state ?? 'waiting';
    return !isLoose && sequence >= obligedFrom && (state === 'waiting' || state === 'held');
  });
}

/** Once nothing happens any more every stream is within its limits. */
export async function checkLimits({ book, plan, time, broker: { engine } }: World): Promise<void> {
  for (const { name, options } of plan.streams) {
    const { maxMessages = 0, maxBytes = 0, maxAgeMs = 0, overflow } = options;
    const isLimited = overflow === 'drop-oldest' || maxAgeMs > 0;
    if (!isLimited || engine === undefined) continue;
    if (maxAgeMs > 0) await time.sleep(maxAgeMs + LOOK_MS + LATE_MS);
    const { messages, bytes } = await engine.streamInfo(name);
    const where = `${name} has ${messages} messages of ${bytes} bytes`;
    if (overflow === 'drop-oldest' && maxMessages > 0 && messages > maxMessages)
      book.violate('keptTooMuch', `${where}, and may have ${maxMessages}`);
    if (overflow === 'drop-oldest' && maxBytes > 0 && bytes > maxBytes)
      book.violate('keptTooMuch', `${where}, and may have ${maxBytes} bytes`);
    if (maxAgeMs > 0 && messages > 0 && book.isClockRight)
      book.violate('keptTooMuch', `${where}, all of them older than ${maxAgeMs} ms`);
  }
}
