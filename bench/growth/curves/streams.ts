import { runAlone } from '../../processes.ts';
import { BrokerProcess } from '../broker-process.ts';
import { bytesOfEach, MIB } from '../memory.ts';
import type { StreamsOrders } from '../roles/create-streams.ts';
import { type Curve, microseconds, microsecondsAMessage } from './curve.ts';

const MESSAGES = 500_000;
const BODY_BYTES = 128;
/** Two starts of the same broker may differ by so much. */
const START_NOISE_MS = 100;

export const streams: Curve<'create' | 'publish' | 'start' | 'startOfEach' | 'memoryOfEach' | 'memory'> = {
  id: 'streams',
  title: 'Streams of one broker',
  axis: { name: 'streams', unit: 'count' },
  about:
    'One connection creates the streams, 500 requests at a time. The broker is stopped (SIGTERM) and started again, and ' +
    'its memory looked at after a garbage collection; start and memory for each stream are what there is more than of ' +
    `an empty broker. Then one connection publishes ${MESSAGES.toLocaleString('en')} messages of ${BODY_BYTES} B in ` +
    'batches of 10, each batch to a stream at random.',
  points: [1, 10, 100, 1e3, 1e4, 1e5],
  measures: {
    create: {
      title: 'create',
      unit: 'µs a stream',
      rate: { dividend: 1e6, unit: 'streams/s' },
    },
    publish: microsecondsAMessage('publish, spread over all'),
    start: { title: 'start, until it listens', unit: 'ms', isProportional: true },
    startOfEach: { title: 'start, for each stream', unit: 'µs a stream' },
    memory: { title: 'broker’s memory', unit: 'MiB', isProportional: true },
    memoryOfEach: { title: 'broker’s memory, for each stream', unit: 'bytes a stream' },
  },
  async measureAt(count, folder) {
    const begin = performance.now();
    await using broker = await BrokerProcess.start(folder);
    const emptyStart = performance.now() - begin;
    const emptyMemory = await broker.settledBytes();
    const created = await runAlone('./growth/roles/create-streams.ts', orders(broker, count));
    await broker.stop('SIGTERM');
    const start = await broker.startAgain();
    const memory = await broker.settledBytes();
    const published = await runAlone('./growth/roles/publish-spread.ts', orders(broker, count));
    return {
      create: microseconds(created.seconds, count),
      publish: microseconds(published.seconds, MESSAGES),
      start,
      startOfEach: startOfEach(emptyStart, start, count),
      memory: memory / MIB,
      memoryOfEach: bytesOfEach(emptyMemory, memory, count),
    };
  },
};

function orders(broker: BrokerProcess, streams: number): StreamsOrders {
  return { ...broker.orders('', MESSAGES, BODY_BYTES), streams };
}

/** Times in ms. @returns µs; undefined where all of them together are lost in the noise */
function startOfEach(empty: number, start: number, count: number): number | undefined {
  return start - empty < START_NOISE_MS ? undefined : microseconds((start - empty) / 1_000, count);
}
