import { invalid, wholeNumber } from '../connection/options.ts';
import { PRIORITIES, type Priority } from '../message/priority.ts';
import { AttributeWriter, attributeName } from './attribute-writer.ts';
import { DEDUP, DELAY, PRIORITY, TTL } from './features.ts';
import { laneOf, NORMAL_LANE } from './lane.ts';

/** What a message has beside its body. */
export interface SendOptions {
  headers?: Readonly<Record<string, string>>;
  /** Messages of one key belong together: a group with `ordering: 'key'` hands them out one at a time. */
  key?: string;
  /** Default normal. Another needs a broker with the feature 'priority'. */
  priority?: Priority;
  /**
   * Deliver no sooner than in so many milliseconds after the broker took it in, by the broker's own clock. Needs a
   * broker with the feature 'delay'.
   */
  delayMs?: number;
  /** Deliver no sooner than then; not together with delayMs. Needs a broker with the feature 'delay'. */
  deliverAt?: Date | number;
  /** Deliver no later than so many milliseconds after publishing. Needs a broker with the feature 'ttl'. */
  ttlMs?: number;
  /** Messages of one id within the stream's window are one. Needs a broker with the feature 'dedup'. */
  messageId?: string;
}

export interface EncodedOptions {
  /** The attributes as msgpack, valid until the next options are encoded; undefined when there are none. */
  readonly attributes: Buffer | undefined;
  /** What the broker must be able to do, as bits; see features.ts. */
  readonly features: number;
  readonly lane: number;
}

export const NO_OPTIONS: EncodedOptions = { attributes: undefined, features: 0, lane: NORMAL_LANE };

const NORMAL = PRIORITIES.indexOf('normal');
const DELAY_MS_MAX: number = 2 ** 50;

const HEADERS_NAME = attributeName('headers');
const KEY_NAME = attributeName('key');
const PRIORITY_NAME = attributeName('priority');
const DELAY_MS_NAME = attributeName('delayMs');
const DELIVER_AT_NAME = attributeName('deliverAt');
const TTL_MS_NAME = attributeName('ttlMs');
const MESSAGE_ID_NAME = attributeName('messageId');

const writer = new AttributeWriter();

/** @throws InvalidOption, MessageTooLarge */
export function encodeSendOptions(options: SendOptions): EncodedOptions {
  let features = 0;
  let level = NORMAL;
  writer.begin();
  for (const name in options) {
    const value = options[name as keyof SendOptions];
    if (value === undefined) continue;
    switch (name) {
      case 'headers':
        writeHeaders(value as Readonly<Record<string, string>>);
        break;
      case 'key':
        writer.string(KEY_NAME, text('key', value));
        break;
      case 'messageId':
        features |= DEDUP;
        writer.string(MESSAGE_ID_NAME, text('messageId', value));
        break;
      case 'priority':
        level = levelOf(value as Priority);
        if (level === NORMAL) break;
        features |= PRIORITY;
        writer.integer(PRIORITY_NAME, level);
        break;
      case 'delayMs':
        features |= DELAY;
        writer.integer(DELAY_MS_NAME, wholeNumber('delayMs', value as number, 0, DELAY_MS_MAX));
        break;
      case 'deliverAt':
        features |= DELAY;
        if (options.delayMs !== undefined)
          throw invalid('deliverAt', 'it cannot be given together with delayMs');
        writer.integer(DELIVER_AT_NAME, wholeNumber('deliverAt', Number(value), 0, Number.MAX_SAFE_INTEGER));
        break;
      case 'ttlMs':
        features |= TTL;
        writer.integer(TTL_MS_NAME, wholeNumber('ttlMs', value as number, 1, Number.MAX_SAFE_INTEGER));
        break;
      default:
        throw invalid(name, 'there is no such option of a message');
    }
  }
  return { attributes: writer.finish(), features, lane: laneOf(level, (features & DELAY) !== 0) };
}

function writeHeaders(headers: Readonly<Record<string, string>>): void {
  let isEmpty = true;
  for (const name of Object.keys(headers)) {
    if (typeof headers[name] !== 'string') throw invalid(`headers.${name}`, 'a header must be a string');
    // Decoders of msgpack rename it, since in an object it is no name like others.
    if (name === '__proto__') throw invalid('headers', "a header cannot be called '__proto__'");
    isEmpty = false;
  }
  if (!isEmpty) writer.stringMap(HEADERS_NAME, headers);
}

function text(option: string, value: unknown): string {
  if (typeof value !== 'string') throw invalid(option, 'it must be a string');
  return value;
}

function levelOf(priority: Priority): number {
  const level = PRIORITIES.indexOf(priority);
  if (level === -1) throw invalid('priority', `it must be one of ${PRIORITIES.join(', ')}`);
  return level;
}
