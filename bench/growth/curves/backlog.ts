import { Bind, Connection, Follower } from '@simplemq/client';
import { runAlone } from '../../processes.ts';
import { BrokerProcess } from '../broker-process.ts';
import { MIB, peakDuring } from '../memory.ts';
import { type Curve, microseconds, microsecondsAMessage } from './curve.ts';

const STREAM = 'backlog';
const BODY_BYTES = 128;

type Id =
  | 'publish'
  | 'consume'
  | 'start'
  | 'disk'
  | 'empty'
  | 'publishing'
  | 'holding'
  | 'restarted'
  | 'consuming';

export const backlog: Curve<Id> = {
  id: 'backlog',
  title: 'Messages that wait in one stream',
  axis: { name: 'messages', unit: 'count' },
  about:
    `One publisher with a window of 10,000 builds up the backlog, bodies of ${BODY_BYTES} B. The broker is killed ` +
    '(SIGKILL) and started again, so that nothing is cached in it; then one follower consumes the backlog and acks ' +
    'each message. Memory is looked at after a garbage collection, but for the peaks.',
  points: [1e3, 1e4, 1e5, 1e6, 1e7],
  measures: {
    publish: microsecondsAMessage('publish'),
    consume: microsecondsAMessage('consume and ack, after the restart'),
    start: { title: 'start after SIGKILL, to the first delivery', unit: 'ms' },
    disk: { title: 'disk, the whole data folder', unit: 'bytes a message' },
    empty: { title: 'broker’s memory, empty', unit: 'MiB' },
    publishing: { title: 'broker’s memory, at most while publishing', unit: 'MiB' },
    holding: { title: 'broker’s memory, when all is published', unit: 'MiB' },
    restarted: { title: 'broker’s memory, started on the backlog', unit: 'MiB' },
    consuming: { title: 'broker’s memory, at most while consuming', unit: 'MiB' },
  },
  async measureAt(messages, folder) {
    await using broker = await BrokerProcess.start(folder);
    const empty = await broker.settledBytes();
    const published = await watched('publish', broker, messages);
    const holding = await broker.settledBytes();
    await broker.stop('SIGKILL');
    const disk = (await broker.diskBytes()) / messages;
    const start = (await broker.startAgain()) + (await untilFirstDelivery(broker));
    const restarted = await broker.settledBytes();
    const left = messages - 1;
    const consumed = await watched('consume', broker, left);
    return {
      publish: microseconds(published.seconds, messages),
      consume: microseconds(consumed.seconds, left),
      start,
      disk,
      empty: empty / MIB,
      publishing: published.peakBytes / MIB,
      holding: holding / MIB,
      restarted: restarted / MIB,
      consuming: consumed.peakBytes / MIB,
    };
  },
};

async function watched(
  role: 'publish' | 'consume',
  broker: BrokerProcess,
  messages: number,
): Promise<{ seconds: number; peakBytes: number }> {
  const orders = broker.orders(STREAM, messages, BODY_BYTES);
  const { result, peakBytes } = await peakDuring(broker.server.pid, () =>
    runAlone(`./growth/roles/${role}.ts`, orders),
  );
  return { seconds: result.seconds, peakBytes };
}

/** In ms, of a broker that listens. The message is acked, which is not measured, so that it does not come again. */
async function untilFirstDelivery({ server }: BrokerProcess): Promise<number> {
  const start = performance.now();
  await using connection = new Connection(server.address);
  for await (const message of new Follower(connection, new Bind(STREAM)).getMessages()) {
    const firstMs = performance.now() - start;
    await message.ack();
    return firstMs;
  }
  throw new Error('nothing was delivered');
}
