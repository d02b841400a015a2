import type { StreamOptions } from '@simplemq/client';
import { type Command, Option } from 'commander';
import { byteSize } from '../arguments/byte-size.ts';
import { orNone } from '../arguments/none.ts';
import { timeSpan } from '../arguments/time-span.ts';
import { wholeNumber } from '../arguments/whole-number.ts';

/** What a stream has from its creation on, and may have changed later. 0 is no limit. */
export interface StreamLimitFlags {
  readonly maxAge?: number;
  readonly maxBytes?: number;
  readonly maxMessages?: number;
  readonly overflow?: string;
  readonly dedupWindow?: number;
  readonly expireAfter?: number;
}

/** Those and what a stream keeps for good. */
export interface StreamFlags extends StreamLimitFlags {
  readonly storage?: string;
  readonly retention?: string;
}

const LIMITS = 'Limits (none takes one away):';

export function takesStreamOptions(command: Command): Command {
  return takesStreamLimits(
    command
      .addOption(
        new Option('--storage <kind>', 'file survives a restart, memory does not (default: file)').choices([
          'file',
          'memory',
        ]),
      )
      .addOption(
        new Option(
          '--retention <kind>',
          'work removes what all groups have acked, log keeps it up to the limits (default: work)',
        ).choices(['work', 'log']),
      ),
  );
}

export function takesStreamLimits(command: Command): Command {
  const limits = [
    new Option('--max-age <duration>', 'remove older messages, as 12h or 7d').argParser(orNone(timeSpan(1))),
    new Option('--max-bytes <size>', 'the most that it holds, as 64MiB').argParser(orNone(byteSize)),
    new Option('--max-messages <n>', 'the most messages that it holds').argParser(orNone(wholeNumber(1))),
    new Option('--overflow <how>', 'at the most: reject what comes, or make room (default: reject)').choices([
      'reject',
      'drop-oldest',
    ]),
    new Option('--dedup-window <duration>', 'how long a message id is remembered (default: 2m)').argParser(
      orNone(timeSpan(1)),
    ),
    new Option('--expire-after <duration>', 'delete the stream when it was not used for so long').argParser(
      orNone(timeSpan(1)),
    ),
  ];
  for (const limit of limits) command.addOption(limit.helpGroup(LIMITS));
  return command;
}

/** The options that were given. */
export function streamOptionsOf(flags: StreamFlags): StreamOptions {
  const { storage, retention, maxAge, maxBytes, maxMessages, overflow, dedupWindow, expireAfter } = flags;
  return {
    ...(storage !== undefined && { storage }),
    ...(retention !== undefined && { retention }),
    ...(maxAge !== undefined && { maxAgeMs: maxAge }),
    ...(maxBytes !== undefined && { maxBytes }),
    ...(maxMessages !== undefined && { maxMessages }),
    ...(overflow !== undefined && { overflow }),
    ...(dedupWindow !== undefined && { dedupWindowMs: dedupWindow }),
    ...(expireAfter !== undefined && { expireAfterMs: expireAfter }),
  };
}
