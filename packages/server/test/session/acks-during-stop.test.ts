import { Bind, Connection, Follower, Publisher } from '@simplemq/client';
import { startServer } from '@simplemq/server';
import { temporaryFolder } from '@simplemq/testkit';
import { expect, test } from 'vitest';

const MESSAGES = 5_000;

test('acks that come while a server stops are done, too late or without a connection', async () => {
  await using folder = await temporaryFolder();
  const server = await startServer({ port: 0, storage: { path: folder.path }, logs: { level: 'silent' } });
  const connection = new Connection({ host: '127.0.0.1', port: server.port });
  await connection.cursor().createStream('s');
  const publisher = new Publisher<string>(connection, new Bind('s'));
  await publisher.sendMessages(Array.from({ length: MESSAGES }, (_, index) => `message ${index}`));
  const codes = new Set<string>();
  const closings: Promise<void>[] = [];
  const follower = new Follower<string>(connection, new Bind('s'));
  let acks = 0;
  const isOver = new Promise<void>((resolve) => {
    void (async () => {
      for await (const message of follower.getMessages()) {
        acks++;
        message.ack().catch(({ code }) => codes.add(code));
        if (acks === MESSAGES / 10) closings.push(server.close().then(resolve));
      }
    })().catch(() => {});
  });
  await isOver;
  await connection.close();
  expect([...codes].filter((code) => code !== 'StaleAck' && code !== 'ConnectionLost')).toEqual([]);
});
