import type { Message, ReadMessage } from '@simplemq/client';

/** What programs get of a message; what was delivered has its attempt too. */
export function messageObject(message: Message | ReadMessage): object {
  const { stream, sequence, timestamp, headers, key, priority, body } = message;
  return {
    stream,
    sequence,
    ...('attempt' in message && { attempt: message.attempt }),
    timestamp,
    headers,
    ...(key !== undefined && { key }),
    priority,
    body,
  };
}
