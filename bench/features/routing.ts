import type { Cursor } from '@simplemq/client';
import { runAlone } from '../processes.ts';
import { median } from '../report.ts';
import { BenchBroker } from './bench-broker.ts';
import type { Feature } from './feature.ts';
import { HIT_STREAMS, hitStream } from './roles/hit-streams.ts';

const STREAMS = 10_000;
/** Requests under way while streams are created. */
const AT_A_TIME = 500;

/** One publish by a regex that reaches ten of many streams, beside one to each of the ten. */
export const routing: Feature = {
  id: 'routing',
  title: `publish to ${HIT_STREAMS} of ${STREAMS.toLocaleString('en')} streams by regex, beside ${HIT_STREAMS} direct publishes`,
  messages: 200_000,
  async run({ messages, bodyBytes, rounds, row }) {
    await using broker = await BenchBroker.start();
    await broker.manage(createStreams);
    const orders = { ...broker.orders('', Math.ceil(messages / rounds), bodyBytes), window: 1_000 };
    const byRegex: number[] = [];
    const direct: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      byRegex.push(await publishesPerSecond('publish-by-regex', orders));
      direct.push(await publishesPerSecond('publish-to-each', orders));
    }
    row('by regex', median(byRegex), '/s');
    row(`${HIT_STREAMS} direct publishes`, median(direct), '/s');
    row('time by regex : time of the direct ones', median(direct) / median(byRegex), 'x');
  },
};

async function createStreams(cursor: Cursor): Promise<void> {
  const names = Array.from({ length: STREAMS }, (_, i) => (i < HIT_STREAMS ? hitStream(i) : `other.${i}`));
  for (let i = 0; i < names.length; i += AT_A_TIME) {
    await Promise.all(names.slice(i, i + AT_A_TIME).map((name) => cursor.createStream(name)));
  }
}

async function publishesPerSecond(role: string, orders: Parameters<typeof runAlone>[1]): Promise<number> {
  const { seconds, messages } = await runAlone(`./features/roles/${role}.ts`, orders);
  return messages / seconds;
}
