import type { Bind } from '@simplemq/client';
import { count, counted, duration } from '../terminal/amounts.ts';
import type { Span, StreamTally, Tally } from './tally.ts';

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
  const named = streams.slice(0, NAMED_STREAMS_MAX).map(placesIn);
  const others = streams.length - named.length;
  return `: ${named.join(', ')}${others > 0 ? ` and ${counted(others, 'more stream')}` : ''}`;
}

/** 'orders 1 to 10', and what is not in the stream by this publish: 'orders 1 to 10 (2 duplicates, 1 delayed: id 41)'. */
function placesIn({ stream, sequences, duplicates, delayed, delayedIds }: StreamTally): string {
  const own = sequences.first === undefined ? '' : ` ${spanText(sequences)}`;
  const others = [
    ...(duplicates === 0 ? [] : [counted(duplicates, 'duplicate')]),
    ...(delayed === 0 ? [] : [`${count(delayed)} delayed: ${idsText(delayed, delayedIds)}`]),
  ];
  return `${stream}${own}${others.length === 0 ? '' : ` (${others.join(', ')})`}`;
}

function spanText({ first = 0, last = 0 }: Span): string {
  return first === last ? count(first) : `${count(first)} to ${count(last)}`;
}

/** As `delayed cancel` reads them. */
function idsText(delayed: number, ids: Span): string {
  return delayed === 1 ? `id ${ids.first}` : `ids ${ids.first}-${ids.last}`;
}

/** The same for programs. */
export function summaryObject(bind: Bind, tally: Tally, elapsedMs: number): object {
  return {
    bind: { type: bind.type, pattern: bind.pattern },
    messages: tally.sent,
    confirmed: tally.confirmed,
    durability: [...tally.durabilities],
    elapsedMs: Math.round(elapsedMs),
    streams: tally.streams.map(streamObject),
  };
}

/** Each key in each, so that programs need not ask. */
function streamObject({ stream, messages, sequences, duplicates, delayed, delayedIds }: StreamTally): object {
  return {
    stream,
    messages,
    firstSequence: sequences.first ?? null,
    lastSequence: sequences.last ?? null,
    duplicates,
    delayed,
    firstDelayedId: delayedIds.first ?? null,
    lastDelayedId: delayedIds.last ?? null,
  };
}
