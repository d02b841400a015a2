import { runAlone } from '../../processes.ts';
import { BrokerProcess } from '../broker-process.ts';
import { MIB } from '../memory.ts';
import { type Curve, type Measure, microseconds, microsecondsAMessage } from './curve.ts';

const STREAM = 'body';
const KIB = 1_024;
/** What a point publishes: so many messages, or so many bytes of bodies where that is less. */
const MESSAGES_MAX = 500_000;
const BYTES_MAX: number = 256 * MIB;
const WINDOW_MESSAGES = 10_000;
const WINDOW_BYTES: number = 64 * MIB;

export const body: Curve<'publish' | 'publishMiB' | 'consume' | 'consumeMiB'> = {
  id: 'body',
  title: 'The size of a body',
  axis: { name: 'bytes of a body', unit: 'bytes' },
  about:
    `${MESSAGES_MAX.toLocaleString('en')} messages, or as many as make ${BYTES_MAX / MIB} MiB, are published with a ` +
    `window of ${WINDOW_MESSAGES.toLocaleString('en')}, or as many as make ${WINDOW_BYTES / MIB} MiB. The broker is ` +
    'stopped (SIGTERM) and started again; then one follower consumes and acks them. 8 MiB is the largest body that ' +
    'limits.maxMessageBytes allows by default, which is not changed here.',
  points: [16, 128, KIB, 8 * KIB, 64 * KIB, 512 * KIB, 8 * MIB],
  measures: {
    publish: { ...microsecondsAMessage('publish'), isProportional: true },
    publishMiB: millisecondsAMiB('publish'),
    consume: { ...microsecondsAMessage('consume and ack, after a restart'), isProportional: true },
    consumeMiB: millisecondsAMiB('consume and ack, after a restart'),
  },
  async measureAt(bodyBytes, folder) {
    await using broker = await BrokerProcess.start(folder);
    const messages = Math.min(MESSAGES_MAX, Math.floor(BYTES_MAX / bodyBytes));
    const window = Math.min(WINDOW_MESSAGES, Math.floor(WINDOW_BYTES / bodyBytes));
    const run = async (role: 'publish' | 'consume'): Promise<number> => {
      const orders = { ...broker.orders(STREAM, messages, bodyBytes), window };
      return (await runAlone(`./growth/roles/${role}.ts`, orders)).seconds;
    };
    const published = await run('publish');
    await broker.stop('SIGTERM');
    await broker.startAgain();
    const consumed = await run('consume');
    const mebibytes = (messages * bodyBytes) / MIB;
    return {
      publish: microseconds(published, messages),
      publishMiB: (published * 1_000) / mebibytes,
      consume: microseconds(consumed, messages),
      consumeMiB: (consumed * 1_000) / mebibytes,
    };
  },
};

function millisecondsAMiB(title: string): Measure {
  return { title: `${title}, for each MiB`, unit: 'ms a MiB', rate: { dividend: 1_000, unit: 'MiB/s' } };
}
