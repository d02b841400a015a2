import type { Bind } from '@simplemq/client';
import { count, counted, duration } from '../terminal/amounts.ts';
import type { StreamTally, Tally } from './tally.ts';

/** What was published, in one line: '10,000 messages confirmed by fsync in 0.1 s (95,000/s): orders 1 to 10,000'. */
export function summaryLine(tally: Tally, elapsedMs: number): string {
  if (tally.confirmed === 0) return 'no messages were published';
  const levels = [...tally.durabilities].join(' and ');
  const rate = tally.confirmed > 1 ? ` (${count(tally.confirmed / (Math.max(1, elapsedMs) / 1_000))}/s)` : '';
  const took = `${duration(elapsedMs)}${rate}`;
  return `${counted(tally.confirmed, 'message')} confirmed (${levels}) in ${took}${destinations(tally.streams)}`;
}

const NAMED_STREAMS_MAX = 3;

function destinations(streams: readonly StreamTally[]): string {
  const named = streams.slice(0, NAMED_STREAMS_MAX).map(sequences);
  const others = streams.length - named.length;
  return `: ${named.join(', ')}${others > 0 ? ` and ${counted(others, 'more stream')}` : ''}`;
}

function sequences({ stream, firstSequence, lastSequence }: StreamTally): string {
  const to = firstSequence === lastSequence ? '' : ` to ${count(lastSequence)}`;
  return `${stream} ${count(firstSequence)}${to}`;
}

/** The same for programs. */
export function summaryObject(bind: Bind, tally: Tally, elapsedMs: number): object {
  return {
    bind: { type: bind.type, pattern: bind.pattern },
    messages: tally.sent,
    confirmed: tally.confirmed,
    durability: [...tally.durabilities],
    elapsedMs: Math.round(elapsedMs),
    streams: tally.streams,
  };
}
