import type { Board } from './board.ts';
import type { BrokerState } from './broker-process.ts';
import { sparkline } from './sparkline.ts';
import { grouped, seconds, styled } from './text.ts';

// All of it fits a terminal of 80 columns and 24 rows.
const NAME_WIDTH = 14;
const CELL_WIDTH = 12;
const RATE_WIDTH = 12;
const SPARKLINE_WIDTH = 58;
const EVENTS_MIN = 3;

/** The live table: a picture of the board, as lines. Events are shown as far as they fit, the latest ones. */
export function tableOf(board: Board, linesMax: number): string[] {
  const lines = [
    `${styled('bold', 'SimpleMQ demo')} ${board.title}`,
    brokerLine(board),
    '',
    ...streamLines(board),
    '',
    ...publisherLines(board),
    '',
    ...readerLines(board),
    '',
    rateLine('published/s', board.publishedHistory, board.publishedRate.perSecond),
    rateLine('acked/s', board.ackedHistory, board.ackedRate.perSecond),
  ];
  if (lines.length + board.events.length < linesMax) lines.push('');
  const events = board.events.slice(-Math.max(EVENTS_MIN, linesMax - lines.length));
  for (const { atMs, text } of events) lines.push(`${styled('dim', seconds(atMs).padStart(6))}  ${text}`);
  return lines;
}

const STATES: Readonly<Record<BrokerState, string>> = {
  starting: styled('yellow', '● starting'),
  up: styled('green', '● up'),
  killed: styled(['red', 'bold'], '✖ killed with SIGKILL'),
  recovering: styled('yellow', '● recovering'),
};

function brokerLine({ broker, elapsedMs }: Board): string {
  const details = [`port ${broker.port}`];
  if (broker.state === 'up') details.push(`process ${broker.pid}`);
  if (broker.memoryBytes > 0) details.push(`${grouped(broker.memoryBytes / 1e6)} MB`);
  const line = `${'broker'.padEnd(NAME_WIDTH)}${STATES[broker.state]}  ${styled('dim', details.join(', '))}`;
  return `${line}  ${styled('dim', seconds(elapsedMs))}`;
}

function streamLines({ broker, streams }: Board): string[] {
  const lines = streams.map(({ name, published, rate, waiting, pending }) =>
    row(name, published, rate.perSecond, waiting, pending),
  );
  return [
    heading('stream', 'published', '/second', 'waiting', 'pending'),
    // A broker that is dead says nothing; this is what it said last.
    ...(broker.state === 'up' ? lines : lines.map((line) => styled('dim', line))),
  ];
}

function publisherLines({ publishers }: Board): string[] {
  return [
    heading('publisher', 'lines sent', 'confirmed', '/second'),
    ...publishers.map(({ name, sent, confirmed, rate }) => row(name, sent, confirmed, rate.perSecond)),
  ];
}

function readerLines({ readers }: Board): string[] {
  return [
    heading('reader', 'delivered', 'acked', '/second', 'attempt > 1'),
    ...readers.map(
      ({ name, note, delivered, acked, rate, redelivered }) =>
        `${row(name, delivered, acked, rate.perSecond, redelivered)}  ${styled('dim', note)}`,
    ),
  ];
}

function rateLine(name: string, history: readonly number[], perSecond: number): string {
  const bars = styled('cyan', sparkline(history, SPARKLINE_WIDTH));
  return `${name.padEnd(RATE_WIDTH)}${bars}${grouped(perSecond).padStart(9)}`;
}

function heading(first: string, ...others: string[]): string {
  return styled('dim', first.padEnd(NAME_WIDTH) + others.map((one) => one.padStart(CELL_WIDTH)).join(''));
}

function row(name: string, ...values: number[]): string {
  return name.padEnd(NAME_WIDTH) + values.map((value) => grouped(value).padStart(CELL_WIDTH)).join('');
}
