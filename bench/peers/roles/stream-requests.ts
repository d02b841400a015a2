import type { Client } from '../client.ts';

/** Where replies go of a peer that has no requests of its own. */
export const REPLIES = 'replies';
/** A request and its reply begin with the request's number. */
const NUMBER_BYTES = 4;

/**
 * Requests over two streams, one of them for the replies, whose client is another than the one that sends, so that
 * nothing waits behind a read that blocks.
 */
export async function requestOverStreams(
  client: Client,
  replies: Client,
  stream: string,
  group: string,
): Promise<(body: Buffer) => Promise<Uint8Array>> {
  const waiting = new Map<number, (body: Uint8Array) => void>();
  let last = 0;
  await replies.consume({ from: REPLIES, group }, (body) => {
    const number = new DataView(body.buffer, body.byteOffset, NUMBER_BYTES).getUint32(0);
    waiting.get(number)?.(body);
    waiting.delete(number);
  });
  return (body) => {
    const request = Buffer.from(body);
    const number = ++last;
    request.writeUInt32BE(number);
    return new Promise((resolve, reject) => {
      waiting.set(number, resolve);
      client.publish(stream, request).catch(reject);
    });
  };
}

export async function respondOverStreams(
  client: Client,
  replies: Client,
  stream: string,
  group: string,
): Promise<void> {
  await client.consume({ from: stream, group }, (body) => {
    replies.publish(REPLIES, Buffer.from(body)).catch((error) => process.emitWarning(error as Error));
  });
}
