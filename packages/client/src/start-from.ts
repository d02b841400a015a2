import type { StartFrom } from '@simplemq/protocol';
import { invalid, wholeNumber } from './connection/options.ts';

/** A place in a stream: its first message, or the first one from a sequence number or a time on. */
export type Place = 'first' | { readonly sequence: number } | { readonly time: Date | number };

/** Where a group begins; 'new' with what comes from now on. A time that is a number is in milliseconds since 1970 UTC. */
export type From = Place | 'new';

/** @throws InvalidOption, naming `option` */
export function wireStartFrom(from: From, option = 'startFrom'): StartFrom {
  if (from === 'first' || from === 'new') return from;
  if (typeof from === 'object' && 'sequence' in from) {
    return { sequence: wholeNumber(`${option}.sequence`, from.sequence, 0, Number.MAX_SAFE_INTEGER) };
  }
  if (typeof from === 'object' && 'time' in from) return { time: wireTime(`${option}.time`, from.time) };
  throw invalid(option, "it must be 'first', 'new', { sequence } or { time }");
}

/** A time as the wire has it, in milliseconds since 1970 UTC. */
export function wireTime(option: string, time: Date | number): number {
  return wholeNumber(option, Number(time), 0, Number.MAX_SAFE_INTEGER);
}
