import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { OUTGOING_PAUSE_BYTES, SocketWriter } from '../../src/session/socket-writer.ts';

/** A socket whose other side reads when it is told to. */
class Unread extends Writable {
  #done: (() => void)[] = [];

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    this.#done.push(done);
  }

  async read(): Promise<void> {
    const drained = new Promise((resolve) => this.once('drain', resolve));
    while (this.writableLength > 0) {
      for (const done of this.#done.splice(0)) done();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await drained;
  }
}

test('answers that a client leaves are unread until its system has taken them', async () => {
  const socket = new Unread();
  const writer = new SocketWriter(socket as unknown as Socket);
  socket.on('drain', () => writer.drained());
  writer.answer(Buffer.alloc(OUTGOING_PAUSE_BYTES / 2));
  expect(writer.isUnread).toBe(false);
  writer.answer(Buffer.alloc(OUTGOING_PAUSE_BYTES / 2));
  expect(writer.isUnread).toBe(true);
  await socket.read();
  expect(writer.isUnread).toBe(false);
});

test('answers that were read are not held against a client that is slow to read its deliveries', async () => {
  const socket = new Unread();
  const writer = new SocketWriter(socket as unknown as Socket);
  socket.on('drain', () => writer.drained());
  for (let i = 0; i < 3; i++) {
    writer.answer(Buffer.alloc(OUTGOING_PAUSE_BYTES / 2));
    await socket.read();
  }
  writer.write(Buffer.alloc(2 * OUTGOING_PAUSE_BYTES));
  writer.answer(Buffer.alloc(100));
  expect(writer.isFull).toBe(true);
  expect(writer.isUnread).toBe(false);
});
