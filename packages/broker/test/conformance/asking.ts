import type { Engine, PublishReceipt } from '../../src/engine/engine.ts';
import { batchOf, type ReadBack, readBack, type TestRecord } from '../batches.ts';

/** A message as it is read without a group. */
export interface ReadMessage extends ReadBack {
  readonly sequence: number;
}

export function publish(
  engine: Engine,
  stream: string,
  ...records: readonly TestRecord[]
): Promise<PublishReceipt> {
  return engine.publish({ bind: { stream }, batch: batchOf(...records) });
}

/** All that the stream holds, read in pages of at most `limit`. */
export async function readAll(engine: Engine, stream: string, limit = 1_000): Promise<ReadMessage[]> {
  const messages: ReadMessage[] = [];
  let page = await engine.read({ stream, limit });
  for (;;) {
    messages.push(...messagesOf(page));
    if (!page.more) return messages;
    page = await engine.read({ stream, limit, startFrom: { sequence: page.next } });
  }
}

/** The messages of a page. */
export function messagesOf({ runs }: Awaited<ReturnType<Engine['read']>>): ReadMessage[] {
  return runs.flatMap((run) =>
    readBack(run).map((record, index) => ({ sequence: run.first + index, ...record })),
  );
}
