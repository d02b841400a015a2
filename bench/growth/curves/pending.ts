import { runAlone } from '../../processes.ts';
import { BrokerProcess } from '../broker-process.ts';
import { bytesOfEach, MIB } from '../memory.ts';
import type { HoldFigures, HoldOrders } from '../roles/hold.ts';
import { type Curve, microseconds, microsecondsAMessage } from './curve.ts';

const BODY_BYTES = 128;
const IN_ORDER = 'in-order';
const IN_PIECES = 'in-pieces';

type Id =
  | 'deliver'
  | 'ackAll'
  | 'ackEverySecond'
  | 'ackTheOthers'
  | 'memory'
  | 'memoryInPieces'
  | 'memoryOfEach';

export const pending: Curve<Id> = {
  id: 'pending',
  title: 'Messages that a follower holds without an ack',
  axis: { name: 'pending messages', unit: 'count' },
  about:
    `Messages of ${BODY_BYTES} B are published to two streams, and the broker is stopped (SIGTERM) and started again. A ` +
    'follower takes all messages of a stream and acks none. Of one stream it then acks all in their order; of the ' +
    'other every second one, which leaves the pending entry list in as many pieces, and then the others. Memory is ' +
    'looked at after a garbage collection.',
  points: [1e2, 1e3, 1e4, 1e5, 1e6],
  measures: {
    deliver: microsecondsAMessage('deliver, none acked'),
    ackAll: microsecondsAMessage('ack all, in order', 'acks/s'),
    ackEverySecond: microsecondsAMessage('ack every second one', 'acks/s'),
    ackTheOthers: microsecondsAMessage('ack the others', 'acks/s'),
    memory: { title: 'broker’s memory, none acked', unit: 'MiB' },
    memoryInPieces: {
      title: 'broker’s memory, every second one acked',
      unit: 'MiB',
      isProportional: true,
    },
    memoryOfEach: { title: 'memory for each piece, every second one acked', unit: 'bytes a piece' },
  },
  async measureAt(messages, folder) {
    await using broker = await BrokerProcess.start(folder);
    for (const stream of [IN_ORDER, IN_PIECES]) {
      await runAlone('./growth/roles/publish.ts', broker.orders(stream, messages, BODY_BYTES));
    }
    await broker.stop('SIGTERM');
    await broker.startAgain();
    const inOrder = await hold(broker, IN_ORDER, messages, 1);
    const inPieces = await hold(broker, IN_PIECES, messages, 2);
    const half = messages / 2;
    return {
      deliver: microseconds(inOrder.deliverSeconds, messages),
      ackAll: microseconds(inOrder.firstAcksSeconds, messages),
      ackEverySecond: microseconds(inPieces.firstAcksSeconds, half),
      ackTheOthers: microseconds(inPieces.lastAcksSeconds, half),
      memory: inOrder.heldBytes / MIB,
      memoryInPieces: inPieces.betweenBytes / MIB,
      memoryOfEach: bytesOfEach(inPieces.heldBytes, inPieces.betweenBytes, half),
    };
  },
};

function hold(
  broker: BrokerProcess,
  stream: string,
  messages: number,
  ackEvery: number,
): Promise<HoldFigures> {
  const orders: HoldOrders = { ...broker.orders(stream, messages, BODY_BYTES), ackEvery };
  return runAlone<HoldFigures>('./growth/roles/hold.ts', orders);
}
