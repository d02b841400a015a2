import { type RunningRole, runAlone, startRole } from '../../processes.ts';
import { BrokerProcess } from '../broker-process.ts';
import { bytesOfEach, MIB } from '../memory.ts';
import { requireOpenFiles } from '../open-files.ts';
import { type Curve, microseconds, microsecondsAMessage } from './curve.ts';

const STREAM = 'busy';
const MESSAGES = 500_000;
const BODY_BYTES = 128;
const CONNECTIONS_A_PROCESS = 2_500;

export const connections: Curve<'pair' | 'slowdown' | 'memory' | 'memoryOfEach'> = {
  id: 'connections',
  title: 'Idle connections beside a busy pair',
  axis: { name: 'idle connections', unit: 'count' },
  about:
    'The idle connections are those of other processes, and only send heartbeats. Beside them a publisher and a ' +
    `follower of one stream, in one process, with ${MESSAGES.toLocaleString('en')} messages of ${BODY_BYTES} B: once ` +
    'to warm the broker up, once measured, and once more when the idle connections are closed. Memory is looked at ' +
    'before, after a garbage collection; of each connection, what there is more than in an empty broker.',
  points: [1, 10, 100, 1e3, 1e4],
  measures: {
    pair: microsecondsAMessage('the pair, publish to ack'),
    slowdown: { title: 'the pair, beside idle connections : alone', unit: 'times as long' },
    memory: { title: 'broker’s memory', unit: 'MiB', isProportional: true },
    memoryOfEach: { title: 'broker’s memory, for each connection', unit: 'bytes a connection' },
  },
  async measureAt(count, folder) {
    await requireOpenFiles(count);
    await using broker = await BrokerProcess.start(folder);
    const empty = await broker.settledBytes();
    const idle = await connectIdle(broker, count);
    const memory = await broker.settledBytes();
    await busyPair(broker);
    const beside = await busyPair(broker);
    await Promise.all(idle.map((role) => role.stop()));
    const alone = await busyPair(broker);
    return {
      pair: microseconds(beside, MESSAGES),
      slowdown: beside / alone,
      memory: memory / MIB,
      memoryOfEach: bytesOfEach(empty, memory, count),
    };
  },
};

/** @returns the seconds it took */
async function busyPair(broker: BrokerProcess): Promise<number> {
  const orders = broker.orders(STREAM, MESSAGES, BODY_BYTES);
  return (await runAlone('./growth/roles/pair.ts', orders)).seconds;
}

async function connectIdle(broker: BrokerProcess, count: number): Promise<RunningRole[]> {
  const roles: RunningRole[] = [];
  for (let left = count; left > 0; left -= CONNECTIONS_A_PROCESS) {
    const connections = Math.min(left, CONNECTIONS_A_PROCESS);
    roles.push(await startRole('./growth/roles/idle.ts', { ...broker.orders('', 0, 0), connections }));
  }
  return roles;
}
