import { setTimeout as sleep } from 'node:timers/promises';
import { residentMb, runAlone, watchMemory } from '../processes.ts';
import { BenchBroker } from './bench-broker.ts';
import type { Feature, Run } from './feature.ts';
import type { DelayedOrders } from './roles/publish-delayed.ts';
import type { DueFigures, DueOrders } from './roles/take-due.ts';

const STREAM = 'delayed';
/** Due long after the benchmark is over, so that all of them are in place while it looks. */
const DELAY_MS_MIN = 3_600_000;
const DELAY_MS_MAX = 5 * 3_600_000;
/** What becomes due while it looks: at most so many messages, over so long. */
const DUE_MESSAGES_MAX = 20_000;
const DUE_SPREAD_MS = 10_000;
const SETTLE_MS = 2_000;

/** What many delayed messages cost in memory, and how late due ones come beside them. */
export const delayed: Feature = {
  id: 'delayed',
  title: 'delayed messages, due over four hours',
  messages: 5_000_000,
  async run(run) {
    await using broker = await BenchBroker.start();
    const { messages, bodyBytes, row } = run;
    row('resident, empty', await residentMb(broker.server), 'MB');
    await broker.manage((cursor) => cursor.createStream(STREAM));
    const first = Math.round(messages / 5);
    await publish(run, broker, first);
    await publish(run, broker, messages - first);
    await sleep(SETTLE_MS);
    row(`resident, ${SETTLE_MS / 1_000} s later`, await residentMb(broker.server), 'MB');
    await takeDue(run, broker);
    row('after SIGKILL: listens again in', await broker.restart('SIGKILL'), 'ms');
    row('after SIGKILL: resident', await residentMb(broker.server), 'MB');
    const { delayed: left } = await broker.manage((cursor) => cursor.streamInfo(STREAM));
    row('after SIGKILL: delayed messages in place', left, '');
    if (left !== messages)
      throw new Error(`${left} of ${messages} delayed messages are there (${bodyBytes})`);
    await takeDue(run, broker);
  },
};

/** So many more. */
async function publish({ bodyBytes, row }: Run, broker: BenchBroker, messages: number): Promise<void> {
  const orders: DelayedOrders = {
    ...broker.orders(STREAM, messages, bodyBytes),
    delayMsMin: DELAY_MS_MIN,
    delayMsMax: DELAY_MS_MAX,
  };
  const memory = watchMemory(broker.server);
  const { seconds } = await runAlone('./features/roles/publish-delayed.ts', orders);
  const peak = await memory.stop();
  const { delayed: count } = await broker.manage((cursor) => cursor.streamInfo(STREAM));
  const there = `${count.toLocaleString('en')} in place`;
  row(`${there}: published`, messages / seconds, '/s');
  row(`${there}: resident`, await residentMb(broker.server), 'MB');
  row(`${there}: resident at most, while published`, peak, 'MB');
}

async function takeDue({ messages, bodyBytes, row }: Run, broker: BenchBroker): Promise<void> {
  const due = Math.min(DUE_MESSAGES_MAX, messages);
  const orders: DueOrders = { ...broker.orders(STREAM, due, bodyBytes), spreadMs: DUE_SPREAD_MS };
  const figures = await runAlone<DueFigures>('./features/roles/take-due.ts', orders);
  const title = `${due.toLocaleString('en')} due over ${DUE_SPREAD_MS / 1_000} s: late by`;
  row(`${title}, median`, figures.p50Ms, 'ms');
  row(`${title}, 99th percentile`, figures.p99Ms, 'ms');
  row(`${title}, at most`, figures.maxMs, 'ms');
  if (figures.early > 0) throw new Error(`${figures.early} messages came before they were due`);
}
