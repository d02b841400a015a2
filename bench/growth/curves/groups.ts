import { runAlone } from '../../processes.ts';
import { BrokerProcess } from '../broker-process.ts';
import { bytesOfEach, MIB, peakDuring } from '../memory.ts';
import type { GroupsOrders } from '../roles/consume-groups.ts';
import { type Curve, microseconds, microsecondsAMessage } from './curve.ts';

const STREAM = 'groups';
const BODY_BYTES = 128;
/** Of all groups together, within what each should have at least and at most. */
const DELIVERIES = 1_000_000;
const MESSAGES_MIN = 5_000;
const MESSAGES_MAX = 500_000;
/** So many requests are under way at a time. */
const REQUESTS = 100;

export const groups: Curve<'deliver' | 'peak' | 'memoryOfEach'> = {
  id: 'groups',
  title: 'Groups of one stream',
  axis: { name: 'groups', unit: 'count' },
  about:
    'Each group has one follower, over a connection of its own, that consumes all messages of the stream and acks ' +
    `them: ${DELIVERIES.toLocaleString('en')} deliveries in all, but for each group at least ` +
    `${MESSAGES_MIN.toLocaleString('en')} and at most ${MESSAGES_MAX.toLocaleString('en')}, of ${BODY_BYTES} B. The ` +
    'broker was not restarted after they were published. All followers are in one process.',
  points: [1, 10, 100, 1e3],
  measures: {
    deliver: { ...microsecondsAMessage('deliver and ack', 'deliveries/s in all'), unit: 'µs a delivery' },
    peak: { title: 'broker’s memory, at most while consumed', unit: 'MiB', isProportional: true },
    memoryOfEach: { title: 'broker’s memory, for each group at rest', unit: 'bytes a group' },
  },
  async measureAt(count, folder) {
    await using broker = await BrokerProcess.start(folder);
    const names = Array.from({ length: count }, (_, index) => `group-${index}`);
    const messages = Math.min(MESSAGES_MAX, Math.max(MESSAGES_MIN, Math.round(DELIVERIES / count)));
    const orders: GroupsOrders = { ...broker.orders(STREAM, messages, BODY_BYTES), groups: names };
    await broker.manage((cursor) => cursor.createStream(STREAM));
    const before = await broker.settledBytes();
    await createGroups(broker, names);
    const memoryOfEach = bytesOfEach(before, await broker.settledBytes(), count);
    await runAlone('./growth/roles/publish.ts', orders);
    const { result, peakBytes } = await peakDuring(broker.server.pid, () =>
      runAlone('./growth/roles/consume-groups.ts', orders),
    );
    return {
      deliver: microseconds(result.seconds, result.messages),
      peak: peakBytes / MIB,
      memoryOfEach,
    };
  },
};

async function createGroups(broker: BrokerProcess, names: readonly string[]): Promise<void> {
  await broker.manage(async (cursor) => {
    for (let first = 0; first < names.length; first += REQUESTS) {
      const some = names.slice(first, first + REQUESTS);
      await Promise.all(some.map((name) => cursor.createGroup(STREAM, name)));
    }
  });
}
