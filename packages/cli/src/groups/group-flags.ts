import type { GroupOptions, RetryOptions } from '@simplemq/client';
import { type Command, Option } from 'commander';
import { decimal } from '../arguments/decimal.ts';
import { orNone } from '../arguments/none.ts';
import { startFrom } from '../arguments/place.ts';
import { timeSpan } from '../arguments/time-span.ts';
import { wholeNumber } from '../arguments/whole-number.ts';

/** How a group hands out its messages. 0 is no limit. */
export interface GroupFlags {
  readonly maxDeliveries?: number;
  readonly retryDelay?: number;
  readonly retryFactor?: number;
  readonly retryMaxDelay?: number;
  readonly retryJitter?: number;
  readonly ordering?: 'none' | 'key';
  readonly exclusive?: boolean;
  readonly keyConcurrency?: number;
  readonly rate?: number;
  readonly yieldEvery?: number;
  readonly deadLetterExpired?: boolean;
  readonly expireAfter?: number;
}

const RETRIES = 'Retries:';
const DELIVERY = 'Delivery:';

/** Where a group begins; `fallback` is what the help tells of its not being given. */
export function startFromOption(fallback = ''): Option {
  return new Option(
    '--start-from <place>',
    `first, new, a sequence number, a time as 2026-05-01T08:30:00Z, or 2h (ago)${fallback}`,
  ).argParser(startFrom);
}

export function orderingOption(): Option {
  return new Option(
    '--ordering <kind>',
    'key hands out one message of a key at a time, in order (default: none)',
  ).choices(['none', 'key']);
}

export function exclusiveOption(): Option {
  return new Option('--exclusive', 'one follower at a time gets messages, the others stand by');
}

export function takesGroupOptions(command: Command): Command {
  const retries = [
    new Option(
      '--max-deliveries <n>',
      'after so many a message goes to the dead letters (default: 20)',
    ).argParser(wholeNumber(1)),
    new Option('--retry-delay <duration>', 'before the second delivery (default: 100ms)').argParser(
      timeSpan(),
    ),
    new Option('--retry-factor <x>', 'each delay is so many times the one before (default: 2)').argParser(
      decimal(1),
    ),
    new Option('--retry-max-delay <duration>', 'no delay is longer (default: 30s)').argParser(timeSpan()),
    new Option('--retry-jitter <share>', 'how much of a delay is random, 0 to 1 (default: 0.5)').argParser(
      decimal(0, 1),
    ),
  ];
  const delivery = [
    orderingOption(),
    new Option(
      '--key-concurrency <n>',
      'with --ordering key: so many of a key at a time (default: 1)',
    ).argParser(wholeNumber(1)),
    exclusiveOption(),
    new Option('--rate <n>', 'so many messages a second to all followers together, or none').argParser(
      orNone(decimal(0.001)),
    ),
    new Option(
      '--yield-every <n>',
      'after so many of higher priority one of a lower, or none (default: none)',
    ).argParser(orNone(wholeNumber(1))),
    new Option('--dead-letter-expired', 'what outlives its ttl goes to the dead letters, not nowhere'),
    new Option(
      '--expire-after <duration>',
      'delete the group when it was not used for so long, or none',
    ).argParser(orNone(timeSpan(1))),
  ];
  for (const option of retries) command.addOption(option.helpGroup(RETRIES));
  for (const option of delivery) command.addOption(option.helpGroup(DELIVERY));
  return command;
}

/** The switches, to turn off what a group has. */
export function takesGroupSwitchesOff(command: Command): Command {
  return command
    .addOption(new Option('--no-exclusive', 'all followers get messages again').helpGroup(DELIVERY))
    .addOption(
      new Option('--no-dead-letter-expired', 'what outlives its ttl goes nowhere again').helpGroup(DELIVERY),
    );
}

/** The options that were given. */
export function groupOptionsOf(flags: GroupFlags): GroupOptions {
  const { keyConcurrency, rate, yieldEvery, deadLetterExpired, expireAfter } = flags;
  const retry = retryOptionsOf(flags);
  return {
    ...(Object.keys(retry).length > 0 && { retry }),
    ...sharedGroupOptionsOf(flags),
    ...(keyConcurrency !== undefined && { keyConcurrency }),
    ...(rate !== undefined && { ratePerSecond: rate }),
    ...(yieldEvery !== undefined && { yieldEvery }),
    ...(deadLetterExpired !== undefined && { deadLetterExpired }),
    ...(expireAfter !== undefined && { expireAfterMs: expireAfter }),
  };
}

/** Those that `follow` takes too. */
export function sharedGroupOptionsOf({ ordering, exclusive }: Pick<GroupFlags, 'ordering' | 'exclusive'>): {
  ordering?: 'none' | 'key';
  exclusive?: boolean;
} {
  return {
    ...(ordering !== undefined && { ordering }),
    ...(exclusive !== undefined && { exclusive }),
  };
}

function retryOptionsOf(flags: GroupFlags): RetryOptions {
  const { maxDeliveries, retryDelay, retryFactor, retryMaxDelay, retryJitter } = flags;
  return {
    ...(maxDeliveries !== undefined && { maxDeliveries }),
    ...(retryDelay !== undefined && { delayMs: retryDelay }),
    ...(retryFactor !== undefined && { factor: retryFactor }),
    ...(retryMaxDelay !== undefined && { maxDelayMs: retryMaxDelay }),
    ...(retryJitter !== undefined && { jitter: retryJitter }),
  };
}
