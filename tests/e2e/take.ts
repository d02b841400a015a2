import { Bind, type Connection, Follower, type FollowerOptions, type Message } from '@simplemq/client';

/** The next messages of a group, each acked, the ack awaited, before the next is asked for. */
export async function take(
  connection: Connection,
  stream: string,
  count: number,
  options: FollowerOptions = {},
): Promise<Message<string>[]> {
  const messages: Message<string>[] = [];
  if (count === 0) return messages;
  const follower = new Follower<string>(connection, new Bind(stream), { prefetch: 1, ...options });
  for await (const message of follower.getMessages()) {
    await message.ack();
    messages.push(message);
    if (messages.length === count) break;
  }
  return messages;
}

/** Their bodies. */
export async function takeBodies(...args: Parameters<typeof take>): Promise<string[]> {
  return (await take(...args)).map(({ body }) => body);
}
