import { runAlone } from '../processes.ts';
import { BenchBroker } from './bench-broker.ts';
import type { Feature, Run } from './feature.ts';
import type { GroupsOrders } from './roles/consume-groups.ts';

const STREAM = 'groups';
const GROUPS = 10;

/** What groups cost beside one another: a stream is stored once, and each group is delivered all of it. */
export const groups: Feature = {
  id: 'groups',
  title: `${GROUPS} groups on one stream, beside one`,
  messages: 1_000_000,
  async run(run) {
    await consumed(run, 1);
    await consumed(run, GROUPS);
  },
};

async function consumed({ messages, bodyBytes, row }: Run, count: number): Promise<void> {
  await using broker = await BenchBroker.start();
  const names = Array.from({ length: count }, (_, index) => `group-${index}`);
  await broker.manage(async (cursor) => {
    await cursor.createStream(STREAM);
    for (const name of names) await cursor.createGroup(STREAM, name);
  });
  await runAlone('./simplemq/publish.ts', broker.orders(STREAM, messages, bodyBytes));
  const title = count === 1 ? '1 group' : `${count} groups`;
  const { bytes } = await broker.manage((cursor) => cursor.streamInfo(STREAM));
  row(`${title}: the stream holds`, bytes, 'bytes');
  // So that its files are what they are at rest, and nothing is cached.
  await broker.restart('SIGTERM');
  row(`${title}: files`, await broker.folderMb(), 'MB');
  const orders: GroupsOrders = { ...broker.orders(STREAM, messages, bodyBytes), groups: names };
  const { seconds } = await runAlone('./features/roles/consume-groups.ts', orders);
  row(`${title}: delivered and acked, all groups together`, (messages * count) / seconds, '/s');
}
