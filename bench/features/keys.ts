import { runAlone } from '../processes.ts';
import { BenchBroker } from './bench-broker.ts';
import type { Feature, Run } from './feature.ts';
import type { KeyedConsumeOrders, KeyedFigures } from './roles/consume-keyed.ts';
import type { KeyedOrders } from './roles/publish-keyed.ts';

const STREAM = 'keys';
const KEYS = 100_000;
const FOLLOWERS = 8;
const NACKED_SHARE = 0.01;

/** What it costs to hand out one message of a key at a time, in order. */
export const keys: Feature = {
  id: 'keys',
  title: `${KEYS.toLocaleString('en')} keys, ordering 'key', ${FOLLOWERS} followers`,
  messages: 1_000_000,
  async run(run) {
    await consumed(run, 0);
    await consumed(run, NACKED_SHARE);
  },
};

async function consumed({ messages, bodyBytes, row }: Run, nackedShare: number): Promise<void> {
  await using broker = await BenchBroker.start();
  await broker.manage(async (cursor) => {
    await cursor.createStream(STREAM);
    await cursor.createGroup(STREAM, 'workers', { ordering: 'key' });
  });
  const published: KeyedOrders = { ...broker.orders(STREAM, messages, bodyBytes), keys: KEYS };
  const { seconds } = await runAlone('./features/roles/publish-keyed.ts', published);
  if (nackedShare === 0) row('published', messages / seconds, '/s');
  const orders: KeyedConsumeOrders = { ...published, nackedShare, connections: FOLLOWERS };
  const figures = await runAlone<KeyedFigures>('./features/roles/consume-keyed.ts', orders);
  const title =
    nackedShare === 0 ? 'all acked' : `${nackedShare * 100} % nacked at random, all acked in the end`;
  row(title, messages / figures.seconds, '/s');
  if (nackedShare > 0) row('nacked', figures.nacked, '');
  if (figures.outOfOrder > 0)
    throw new Error(`${figures.outOfOrder} messages came out of the order of their key`);
  const { messages: left } = await broker.manage((cursor) => cursor.streamInfo(STREAM));
  if (left > 0) throw new Error(`${left} messages are left`);
}
