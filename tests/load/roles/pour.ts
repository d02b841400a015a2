import { Bind, Connection, Publisher } from '@simplemq/client';
import { runRole } from '../role.ts';

const STREAM = 'poured';
const AT_ONCE = 64;
const SENDERS = 8;
const KEPT_BYTES = 256 * 1024 * 1024;

export interface PourOrders {
  readonly port: number;
  readonly connections: number;
  readonly bodyBytes: number;
}

/** Publishers that send as fast as the broker takes it, which is faster than a disk. */
await runRole<PourOrders>(async ({ port, connections, bodyBytes }) => {
  const all = Array.from({ length: connections }, () => new Connection({ host: '127.0.0.1', port }));
  await all[0]!
    .cursor()
    .createStream(STREAM, { retention: 'log', maxBytes: KEPT_BYTES, overflow: 'drop-oldest' });
  const bodies = Array.from({ length: AT_ONCE }, () => Buffer.alloc(bodyBytes, 'poured'));
  let isOver = false;
  let messages = 0;
  const pour = async (publisher: Publisher<Uint8Array>): Promise<void> => {
    while (!isOver) {
      await publisher.sendMessages(bodies);
      messages += AT_ONCE;
    }
  };
  const startedAt = performance.now();
  const work = all.flatMap((connection) => {
    const publisher = new Publisher<Uint8Array>(connection, new Bind(STREAM));
    return Array.from({ length: SENDERS }, () => pour(publisher));
  });
  return {
    async stop() {
      isOver = true;
      await Promise.all(work);
      const seconds = (performance.now() - startedAt) / 1_000;
      for (const connection of all) await connection.close();
      return { messages, mibASecond: Math.round((messages * bodyBytes) / 2 ** 20 / seconds) };
    },
  };
});
