import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Bind, Connection, Follower, Publisher } from '@simplemq/client';
import { residentMb, startSimpleMq } from './processes.ts';

const HELP = `Measures the broker's memory with many idle connections, some of which follow.

  npm run bench:idle -- [--connections N] [--followers N]      (default 5000 and 50)
`;

const { values: options } = parseArgs({
  options: {
    connections: { type: 'string', default: '5000' },
    followers: { type: 'string', default: '50' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) process.stdout.write(HELP);
else await main(Number(options.connections), Number(options.followers));

async function main(connections: number, followers: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'simplemq-idle-'));
  const server = await startSimpleMq(folder);
  const before = await residentMb(server);
  const idle = Array.from({ length: connections }, () => new Connection(server.address));
  for (let i = 0; i < idle.length; i += 100) {
    await Promise.all(idle.slice(i, i + 100).map((connection) => connection.cursor().session()));
  }
  process.stdout.write(
    `${before} MB resident empty, ${await residentMb(server)} MB with ${connections} connections\n`,
  );
  const messages = followers * 10;
  await idle[0]!.cursor().createStream('idle');
  const seen = followAll(idle.slice(0, followers), messages);
  const publisher = new Publisher(idle[0]!, new Bind('idle'));
  await publisher.sendMessages(Array.from({ length: messages }, (_, index) => index));
  const start = performance.now();
  const busy = await seen;
  process.stdout.write(
    `${followers} followers took ${messages} messages in ${Math.round(performance.now() - start)} ms, ` +
      `${busy} of them got some; ${await residentMb(server)} MB resident\n`,
  );
  await Promise.all(idle.map((connection) => connection.close()));
  await server.stop();
  await rm(folder, { recursive: true });
}

/** Resolves, when all messages are acked, with how many of the followers got one. */
async function followAll(connections: readonly Connection[], messages: number): Promise<number> {
  const done = new AbortController();
  let left = messages;
  const counts = await Promise.all(
    connections.map(async (connection) => {
      let count = 0;
      for await (const message of new Follower(connection, new Bind('idle')).getMessages({
        signal: done.signal,
      })) {
        count++;
        await message.ack();
        if (--left === 0) done.abort();
      }
      return count;
    }),
  );
  return counts.filter((count) => count > 0).length;
}
