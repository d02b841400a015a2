import type { Follower } from '@simplemq/client';

/** Acks so many messages; resolves when the last ack is confirmed. */
export async function takeAll(follower: Follower, messages: number): Promise<void> {
  let count = 0;
  for await (const message of follower.getMessages()) {
    if (++count < messages) {
      message.ack();
      continue;
    }
    await message.ack();
    break;
  }
}
