import { residentMb, runAlone } from '../processes.ts';
import { median } from '../report.ts';
import { BenchBroker } from './bench-broker.ts';
import type { Feature } from './feature.ts';

const WINDOW_MS = 24 * 3_600_000;

/** What it costs to know each message's id, all of them new, beside the same publishes without ids. */
export const dedup: Feature = {
  id: 'dedup',
  title: 'publish with message ids, all new, beside plain',
  messages: 5_000_000,
  async run({ messages, bodyBytes, rounds, row }) {
    await using broker = await BenchBroker.start();
    await broker.manage(async (cursor) => {
      await cursor.createStream('plain');
      await cursor.createStream('ids', { dedupWindowMs: WINDOW_MS });
    });
    const each = Math.ceil(messages / rounds);
    row('resident, empty', await residentMb(broker.server), 'MB');
    const plain: number[] = [];
    const ids: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      plain.push(await rate('./simplemq/publish.ts', broker, 'plain', each, bodyBytes));
      if (round === 1) row('resident, before the first id', await residentMb(broker.server), 'MB');
      ids.push(await rate('./features/roles/publish-ids.ts', broker, 'ids', each, bodyBytes));
      const known = (each * round).toLocaleString('en');
      row(`${known} ids: plain`, plain.at(-1)!, '/s');
      row(`${known} ids: with ids`, ids.at(-1)!, '/s');
      row(`${known} ids: resident`, await residentMb(broker.server), 'MB');
    }
    row('with ids : plain, medians', median(ids) / median(plain), 'x');
    const { messages: stored } = await broker.manage((cursor) => cursor.streamInfo('ids'));
    if (stored !== each * rounds) throw new Error(`${stored} of ${each * rounds} new messages were stored`);
    row('after SIGKILL: listens again in', await broker.restart('SIGKILL'), 'ms');
    row('after SIGKILL: resident', await residentMb(broker.server), 'MB');
  },
};

async function rate(
  role: string,
  broker: BenchBroker,
  stream: string,
  messages: number,
  bodyBytes: number,
): Promise<number> {
  const { seconds } = await runAlone(role, broker.orders(stream, messages, bodyBytes));
  return messages / seconds;
}
