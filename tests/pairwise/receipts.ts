import type { PlacedBatch } from '../../packages/broker/src/engine/engine.ts';
import type { Publication } from './publication.ts';
import type { StreamBook } from './stream-book.ts';

/** Enters a receipt into the book of the stream. @throws Error when it says what cannot be */
export function enterReceipt(
  stream: StreamBook,
  publications: readonly Publication[],
  placed: PlacedBatch,
  onPlaced: (sequence: number) => void,
): void {
  const duplicates = pairsOf(placed.duplicates);
  const delayed = pairsOf(placed.delayed);
  let sequence = placed.first;
  publications.forEach((publication, index) => {
    const known = duplicates.get(index);
    const delayedId = delayed.get(index);
    if (known !== undefined) enterDuplicate(stream, publication, known, delayedId);
    else if (delayedId !== undefined) enterDelayed(stream, publication, delayedId);
    else {
      onPlaced(sequence);
      stream.bind(sequence++, publication.body, undefined);
    }
    checkId(stream, publication);
  });
}

function enterDuplicate(
  stream: StreamBook,
  publication: Publication,
  sequence: number,
  delayedId: number | undefined,
): void {
  const { messageId } = publication.attributes;
  const { fate } = publication;
  const isSeen = fate !== 'asked' && fate !== 'duplicate' && fate !== 'unknown';
  if (messageId === undefined || isSeen)
    throw new Error(`'${publication.body}' is no duplicate, it is ${fate}`);
  publication.fate = 'duplicate';
  const first = [...stream.publications.values()].find((other) => {
    return sequence > 0
      ? other.sequence === sequence
      : other.delayedId === delayedId && delayedId !== undefined;
  });
  // What a crash has hidden may be the first, without its place being known.
  if (first === undefined || first.attributes.messageId === messageId) return;
  throw new Error(`'${publication.body}' is told to be a duplicate of '${first.body}', which has another id`);
}

function enterDelayed(stream: StreamBook, publication: Publication, delayedId: number): void {
  const { body, attributes, fate } = publication;
  if ((attributes.delayMs ?? 0) === 0) throw new Error(`'${body}' is told to be delayed, and is not`);
  for (const other of stream.publications.values()) {
    if (other !== publication && other.delayedId === delayedId)
      throw new Error(`'${body}' and '${other.body}' are both delayed ${delayedId}`);
  }
  publication.delayedId = delayedId;
  if (fate === 'asked') publication.fate = 'delayed';
}

/** A message id is of one message. */
function checkId(stream: StreamBook, publication: Publication): void {
  const { messageId } = publication.attributes;
  if (messageId === undefined || publication.fate === 'duplicate') return;
  for (const other of stream.publications.values()) {
    if (other === publication || other.attributes.messageId !== messageId) continue;
    // One of which a crash has hidden the answer was not stored after all.
    if (other.fate === 'unknown') other.fate = 'lost';
    if (other.fate !== 'stored' && other.fate !== 'delayed' && other.fate !== 'cancelled') continue;
    throw new Error(`'${publication.body}' and '${other.body}' were both stored, with the id '${messageId}'`);
  }
}

function pairsOf(flat: readonly number[] = []): ReadonlyMap<number, number> {
  return new Map(
    Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index]!, flat[2 * index + 1]!]),
  );
}
