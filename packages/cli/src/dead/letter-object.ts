import type { DeadLetterMessage } from '@simplemq/client';
import { messageObject } from '../messages/message-object.ts';

/** What programs get of a dead letter. */
export function letterObject(letter: DeadLetterMessage): object {
  const { group, originalStream, originalSequence, publishedAt, diedAt, cause, error, attempts } = letter;
  return {
    ...messageObject(letter),
    group,
    originalStream,
    originalSequence,
    publishedAt,
    diedAt,
    cause,
    error,
    attempts,
  };
}
