import { setTimeout as sleep } from 'node:timers/promises';
import { Bind, Connection, Publisher } from '@simplemq/client';
import { decodeFollowing, encodeFollow, Opcode } from '@simplemq/protocol';
import { RawPeer } from '@simplemq/testkit';
import { runRole } from '../role.ts';

const STREAM = 'unread';
const GROUP = 'never-reads';
const BODY: Buffer = Buffer.alloc(64 * 1024, 'unread');
const PER_SECOND = 400;
const TICK_MS = 20;
const KEPT_BYTES = 1024 * 1024 * 1024;
const LOOK_MS = 100;
const ENDLESS = Number.MAX_SAFE_INTEGER;

/** A follower with credit for all that comes, which does not read; when the broker has closed it, the next one. */
await runRole<{ readonly port: number }>(async ({ port }) => {
  const connection = new Connection({ host: '127.0.0.1', port });
  const cursor = connection.cursor();
  await cursor.createStream(STREAM, { maxBytes: KEPT_BYTES, overflow: 'drop-oldest' });
  let closed = 0;
  let isOver = false;
  const follow = async (): Promise<RawPeer> => {
    const peer = await RawPeer.open({ port });
    const request = { bind: { stream: STREAM }, group: GROUP, upTo: ENDLESS, bytesUpTo: ENDLESS };
    const { payload } = await peer.request(encodeFollow(peer.nextRequestId(), request), Opcode.Following);
    decodeFollowing(payload);
    peer.pause();
    return peer;
  };
  const turn = async (): Promise<void> => {
    const peer = await follow();
    // It does not hear of it itself: it does not read.
    const isThere = async (): Promise<boolean> => (await cursor.groupInfo(STREAM, GROUP)).followers > 0;
    while (!isOver && (await isThere())) await sleep(LOOK_MS);
    if (!isOver) closed++;
    await peer.close();
  };
  const work = (async () => {
    while (!isOver) await turn();
  })();
  let published = 0;
  const publisher = new Publisher<Uint8Array>(connection, new Bind(STREAM));
  const timer = setInterval(() => {
    const bodies = Array.from({ length: (PER_SECOND * TICK_MS) / 1_000 }, () => BODY);
    void publisher.sendMessages(bodies).then(() => {
      published += bodies.length;
    });
  }, TICK_MS);
  return {
    async stop() {
      clearInterval(timer);
      const { pending } = await cursor.groupInfo(STREAM, GROUP);
      isOver = true;
      await work;
      await connection.close();
      return { published, pending, closed };
    },
  };
});
