import type { ReadMessage } from '@simplemq/client';
import { print } from '../terminal/print.ts';
import type { MessageLine } from './message-line.ts';

/** What is written at once, in bytes. */
const CHUNK_BYTES = 64 * 1024;

/** Writes messages to standard output, at most `limit` of them, until nobody reads any more. */
export async function writeAll(
  messages: AsyncIterable<ReadMessage>,
  line: MessageLine,
  limit: number,
): Promise<void> {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  let written = 0;
  const flush = (): Promise<boolean> => {
    const chunk = Buffer.concat(pieces);
    pieces = [];
    bytes = 0;
    return print(chunk);
  };
  for await (const message of messages) {
    const piece = Buffer.from(line(message));
    pieces.push(piece);
    bytes += piece.length;
    if (bytes >= CHUNK_BYTES && !(await flush())) return;
    if (++written === limit) break;
  }
  if (bytes > 0) await flush();
}
