import { runAlone } from '../processes.ts';
import { median } from '../report.ts';
import { BenchBroker } from './bench-broker.ts';
import type { Feature, Run } from './feature.ts';
import type { ReplayFigures, ReplayOrders } from './roles/replay.ts';

const STREAM = 'replayed';
const STREAM_OPTIONS = { retention: 'log' };
/** The times that new groups begin at; the stream is published in so many parts. */
const PARTS = 10;

/** A moment of the publishing, and the first message that was taken in after it. */
interface Mark {
  readonly time: number;
  readonly sequence: number;
}

/** How soon a new group of a log stream is at a time in the past, and how fast it goes on from there. */
export const replay: Feature = {
  id: 'replay',
  title: 'a new group on a log stream, from a time on',
  messages: 5_000_000,
  async run(run) {
    await using broker = await BenchBroker.start();
    const marks = await published(run, broker);
    // So that nothing is cached.
    await broker.restart('SIGTERM');
    const firstMs: number[] = [];
    for (const [index, mark] of marks.entries()) {
      firstMs.push((await replayed(run, broker, `first-${index}`, mark, 1)).firstMs);
    }
    const { row } = run;
    row(`first message, ${PARTS} groups from ${PARTS} times: median`, median(firstMs), 'ms');
    row(`first message, ${PARTS} groups from ${PARTS} times: at most`, Math.max(...firstMs), 'ms');
    for (const [what, mark] of [
      ['from the beginning', marks[0]!],
      ['from the middle', marks[PARTS / 2]!],
    ] as const) {
      const count = run.messages - mark.sequence + 1;
      const figures = await replayed(run, broker, what.replaceAll(' ', '-'), mark, count);
      row(`${what}: first message`, figures.firstMs, 'ms');
      row(`${what}: ${count.toLocaleString('en')} acked`, count / figures.seconds, '/s');
    }
  },
};

async function published({ messages, bodyBytes, row }: Run, broker: BenchBroker): Promise<Mark[]> {
  const marks: Mark[] = [];
  let seconds = 0;
  for (let sequence = 1; sequence <= messages; ) {
    const count = Math.min(Math.ceil(messages / PARTS), messages - sequence + 1);
    marks.push({ time: Date.now(), sequence });
    const orders = { ...broker.orders(STREAM, count, bodyBytes), streamOptions: STREAM_OPTIONS };
    seconds += (await runAlone('./simplemq/publish.ts', orders)).seconds;
    sequence += count;
  }
  row('published', messages / seconds, '/s');
  return marks;
}

async function replayed(
  { bodyBytes }: Run,
  broker: BenchBroker,
  group: string,
  { time, sequence }: Mark,
  count: number,
): Promise<ReplayFigures> {
  const orders: ReplayOrders = { ...broker.orders(STREAM, count, bodyBytes), group, time };
  const figures = await runAlone<ReplayFigures>('./features/roles/replay.ts', orders);
  if (figures.firstSequence !== sequence) {
    throw new Error(`${group} began with ${figures.firstSequence} and not with ${sequence}`);
  }
  return figures;
}
