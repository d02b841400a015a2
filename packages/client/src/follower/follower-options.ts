import { checkName, type GroupOptions, type StartFrom } from '@simplemq/protocol';
import type { Codec } from '../codec/codec.ts';
import { invalid, wholeNumber } from '../connection/options.ts';
import type { StandardSchema } from '../schema/standard-schema.ts';
import { type From, wireStartFrom } from '../start-from.ts';
import { checkGroupOptions } from '../wire-options.ts';

/**
 * How a follower takes messages. Those of GroupOptions, and `startFrom`, say what its group is like when it comes to be
 * with this follower; a group that is there with other values of those given is StreamConflict.
 */
// biome-ignore lint/suspicious/noExplicitAny: options without a schema suit any body
export interface FollowerOptions<T = any> extends GroupOptions {
  /** Followers of one group share a stream's messages. Default workers. Another needs the feature 'groups'. */
  group?: string;
  /**
   * How many messages may be held, the one in hand included. Default 'auto': one for a slow handler, some tens of
   * milliseconds of work for a quick one, and messages behind a handler that turns slow are handed back.
   */
  prefetch?: 'auto' | number;
  /** How long a lease lasts unless extended, in ms; the SDK extends it while the message is in hand. Default 30,000. */
  leaseMs?: number;
  /** Default msgpack. */
  // biome-ignore lint/suspicious/noExplicitAny: a codec of any body will do
  codec?: Codec<any>;
  /**
   * What bodies must be like; `message.body` is what the schema makes of them. A body that it does not find valid, or
   * that the codec cannot decode, goes to the dead letters with the issues as reason, and is not shown. Needs the
   * feature 'deadLetters'.
   */
  schema?: StandardSchema<unknown, T>;
  /** Where a new group begins. Default 'first'. Another needs the feature 'startFrom'. */
  startFrom?: From;
  /** 'key' hands out one message of a key at a time, in order. Default 'none'. Needs the feature 'ordering'. */
  ordering?: 'none' | 'key';
}

/** What of the options is the group's, as FOLLOW and CREATE_GROUP have it. */
export interface WireGroup {
  readonly startFrom?: StartFrom;
  readonly options?: GroupOptions;
}

const DEFAULT_GROUP = 'workers';

/** @throws InvalidName, InvalidOption */
export function checkFollowerOptions(options: FollowerOptions): void {
  const { group, prefetch, leaseMs, startFrom } = options;
  if (group !== undefined) checkName('group', group);
  if (typeof prefetch === 'number') wholeNumber('prefetch', prefetch, 1, 1_000_000);
  else if (prefetch !== undefined && prefetch !== 'auto') {
    throw invalid('prefetch', "it must be 'auto' or a number");
  }
  if (leaseMs !== undefined) wholeNumber('leaseMs', leaseMs, 1, 2 ** 31 - 1);
  if (startFrom !== undefined) wireStartFrom(startFrom);
  checkGroupOptions(options);
}

export function wireGroup({
  startFrom,
  ...options
}: GroupOptions & { readonly startFrom?: From }): WireGroup {
  const given = groupOptionsOf(options);
  return {
    ...(startFrom !== undefined && { startFrom: wireStartFrom(startFrom) }),
    ...(Object.keys(given).length > 0 && { options: given }),
  };
}

/** The options that are a group's, without those that are a follower's and those that are undefined. */
function groupOptionsOf(options: GroupOptions): GroupOptions {
  const given: Record<string, unknown> = {};
  for (const name of GROUP_OPTIONS) if (options[name] !== undefined) given[name] = options[name];
  return given;
}

const GROUP_OPTIONS = [
  'retry',
  'ordering',
  'exclusive',
  'keyConcurrency',
  'ratePerSecond',
  'yieldEvery',
  'deadLetterExpired',
  'expireAfterMs',
] as const satisfies readonly (keyof GroupOptions)[];

/** What a broker must be able to do, beyond the least, to do as asked. */
export function featuresOf(options: FollowerOptions): string[] {
  const { group, startFrom, ordering, exclusive, yieldEvery } = options;
  const features: string[] = [];
  if (group !== undefined && group !== DEFAULT_GROUP) features.push('groups');
  if (startFrom !== undefined && startFrom !== 'first') features.push('startFrom');
  if (ordering !== undefined && ordering !== 'none') features.push('ordering');
  if (exclusive === true) features.push('exclusive');
  if (yieldEvery !== undefined) features.push('priority');
  if (options.retry !== undefined || options.deadLetterExpired === true || options.schema !== undefined) {
    features.push('deadLetters');
  }
  if (options.ratePerSecond !== undefined || options.expireAfterMs !== undefined) features.push('groups');
  return features;
}
