import { ATTRIBUTES_BYTES_MAX, type Attributes, encodeAttributes, MessageTooLarge } from '@simplemq/protocol';
import { invalid, wholeNumber } from '../connection/options.ts';
import { PRIORITIES, type Priority } from '../follower/priority.ts';

/** What a message has beside its body. */
export interface SendOptions {
  headers?: Readonly<Record<string, string>>;
  /** Messages of one key belong together. */
  key?: string;
  /** Default normal. Needs a broker with the feature 'priority'. */
  priority?: Priority;
  /** Deliver no sooner than in so many milliseconds. Needs a broker with the feature 'delay'. */
  delayMs?: number;
  /** Deliver no sooner than then; not together with delayMs. Needs a broker with the feature 'delay'. */
  deliverAt?: Date | number;
  /** Deliver no later than so many milliseconds after publishing. Needs a broker with the feature 'ttl'. */
  ttlMs?: number;
  /** Messages of one id within the stream's window are one. Needs a broker with the feature 'dedup'. */
  messageId?: string;
}

export interface EncodedOptions {
  /** The attributes as msgpack; undefined when there are none. */
  readonly attributes: Buffer | undefined;
  /** What the broker must be able to do; undefined when nothing beyond the least. */
  readonly features: readonly string[] | undefined;
}

const FEATURE_OF: Readonly<Record<keyof SendOptions, string | undefined>> = {
  headers: undefined,
  key: undefined,
  priority: 'priority',
  delayMs: 'delay',
  deliverAt: 'delay',
  ttlMs: 'ttl',
  messageId: 'dedup',
};

/** @throws InvalidOption, MessageTooLarge */
export function encodeSendOptions(options: SendOptions): EncodedOptions {
  const features: string[] = [];
  for (const option of Object.keys(options) as (keyof SendOptions)[]) {
    if (!Object.hasOwn(FEATURE_OF, option)) throw invalid(option, 'there is no such option of sendMessage');
    const feature = options[option] === undefined ? undefined : FEATURE_OF[option];
    if (feature !== undefined && !features.includes(feature)) features.push(feature);
  }
  const attributes = encodeAttributes(attributesOf(options));
  if (attributes.length > ATTRIBUTES_BYTES_MAX) {
    throw new MessageTooLarge(
      `a message's headers and options take ${attributes.length} bytes; the limit is ${ATTRIBUTES_BYTES_MAX}`,
      { details: { limit: 'ATTRIBUTES_BYTES_MAX', value: attributes.length } },
    );
  }
  // One byte is an empty map.
  return {
    attributes: attributes.length > 1 ? attributes : undefined,
    features: features.length > 0 ? features : undefined,
  };
}

function attributesOf(options: SendOptions): Attributes {
  const { headers, key, priority, ttlMs, messageId } = options;
  if (headers !== undefined) checkHeaders(headers);
  if (key !== undefined && typeof key !== 'string') throw invalid('key', 'it must be a string');
  if (messageId !== undefined && typeof messageId !== 'string')
    throw invalid('messageId', 'it must be a string');
  const deliverAt = deliverAtOf(options);
  return {
    ...(headers !== undefined && Object.keys(headers).length > 0 && { headers }),
    ...(key !== undefined && { key }),
    ...(priority !== undefined && { priority: levelOf(priority) }),
    ...(deliverAt !== undefined && { deliverAt }),
    ...(ttlMs !== undefined && { ttlMs: wholeNumber('ttlMs', ttlMs, 1, Number.MAX_SAFE_INTEGER) }),
    ...(messageId !== undefined && { messageId }),
  };
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(headers)) {
    if (typeof headers[name] !== 'string') throw invalid(`headers.${name}`, 'a header must be a string');
  }
}

function levelOf(priority: Priority): number {
  const level = PRIORITIES.indexOf(priority);
  if (level === -1) throw invalid('priority', `it must be one of ${PRIORITIES.join(', ')}`);
  return level;
}

function deliverAtOf({ delayMs, deliverAt }: SendOptions): number | undefined {
  if (delayMs !== undefined && deliverAt !== undefined) {
    throw invalid('deliverAt', 'it cannot be given together with delayMs');
  }
  if (delayMs !== undefined) return Date.now() + wholeNumber('delayMs', delayMs, 0, 2 ** 50);
  if (deliverAt === undefined) return undefined;
  return wholeNumber('deliverAt', Number(deliverAt), 0, Number.MAX_SAFE_INTEGER);
}
