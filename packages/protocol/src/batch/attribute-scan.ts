import { isWholeNumber } from '../envelope/fields.ts';
import { scanValue } from '../envelope/scan.ts';
import { ATTRIBUTES_BYTES_MAX } from '../limits.ts';
import { type Attributes, decodeAttributes, PRIORITY_MAX } from './attributes.ts';

/** The attributes that a broker acts upon. Every field is always there, so that all scans have one shape. */
export interface ScannedAttributes {
  key: string | undefined;
  priority: number | undefined;
  deliverAt: number | undefined;
  delayMs: number | undefined;
  ttlMs: number | undefined;
  messageId: string | undefined;
  group: string | undefined;
  isDead: boolean;
}

/**
 * As decodeAttributes, for the broker, which does this once for each attributed record that crosses it: written by hand
 * over the bytes, for attributes as encoders commonly write them. Whatever is out of the common (a fault, a rare type
 * of number, a dead letter) goes to decodeAttributes, so that the two agree on what is accepted and on its value.
 *
 * @throws as decodeAttributes does, also when the attributes end before `end`
 */
export function scanAttributes(bytes: Buffer, start = 0, end: number = bytes.length): ScannedAttributes {
  const scanned = nothingScanned();
  return scanMap(bytes, start, end, scanned) === end ? scanned : scanSlowly(bytes, start, end);
}

/** As scanAttributes, of attributes that end somewhere before `end`, as those of a record do before its body. */
export function scanLeadingAttributes(bytes: Buffer, start: number, end: number): ScannedAttributes {
  const scanned = nothingScanned();
  if (scanMap(bytes, start, end, scanned) !== UNCOMMON) return scanned;
  return scanSlowly(bytes, start, scanValue(bytes, start, end));
}

function nothingScanned(): ScannedAttributes {
  return {
    key: undefined,
    priority: undefined,
    deliverAt: undefined,
    delayMs: undefined,
    ttlMs: undefined,
    messageId: undefined,
    group: undefined,
    isDead: false,
  };
}

function scanSlowly(bytes: Buffer, start: number, end: number): ScannedAttributes {
  const attributes: Attributes = decodeAttributes(bytes.subarray(start, end));
  const { key, priority, deliverAt, delayMs, ttlMs, messageId, group, dead } = attributes;
  return { key, priority, deliverAt, delayMs, ttlMs, messageId, group, isDead: dead !== undefined };
}

const KEY = Buffer.from('key');
const TTL_MS = Buffer.from('ttlMs');
const GROUP = Buffer.from('group');
const HEADERS = Buffer.from('headers');
const DELAY_MS = Buffer.from('delayMs');
const PRIORITY = Buffer.from('priority');
const MESSAGE_ID = Buffer.from('messageId');
const DELIVER_AT = Buffer.from('deliverAt');

const UNCOMMON = -1;
const REPLACEMENT = '\ufffd';

/**
 * Where the value that was read last ends, or UNCOMMON: it is kept here because a value and its end cannot both be
 * returned without making an object of them.
 */
let position = 0;

/** @returns the offset past the map, or UNCOMMON */
function scanMap(bytes: Buffer, start: number, end: number, scanned: ScannedAttributes): number {
  if (start >= end || end > bytes.length) return UNCOMMON;
  const type = bytes[start]!;
  if (type < 0x80 || type > 0x8f) return UNCOMMON;
  position = start + 1;
  for (let left = type & 0x0f; left > 0; left--) {
    scanField(bytes, position, end, scanned);
    if (position === UNCOMMON) return UNCOMMON;
  }
  // In so few bytes there are never more values than an envelope may hold.
  const isShort = position <= end && position - start <= ATTRIBUTES_BYTES_MAX;
  return isShort && isAsItMustBe(scanned) ? position : UNCOMMON;
}

function isAsItMustBe({ priority, deliverAt, delayMs, ttlMs }: ScannedAttributes): boolean {
  if (priority !== undefined && priority > PRIORITY_MAX) return false;
  return ttlMs !== 0 && (deliverAt === undefined || delayMs === undefined);
}

/** Reads a field's name and value. */
function scanField(bytes: Buffer, start: number, end: number, scanned: ScannedAttributes): void {
  const type = bytes[start]!;
  const name = start + 1;
  const value = name + (type & 0x1f);
  if (!(type >= 0xa0 && type <= 0xbf) || value >= end) {
    position = UNCOMMON;
    return;
  }
  switch (type & 0x1f) {
    case 3:
      if (isAt(bytes, name, KEY)) scanned.key = text(bytes, value, end);
      else position = UNCOMMON;
      return;
    case 5:
      if (isAt(bytes, name, TTL_MS)) scanned.ttlMs = wholeNumber(bytes, value, end);
      else if (isAt(bytes, name, GROUP)) scanned.group = text(bytes, value, end);
      else position = UNCOMMON;
      return;
    case 7:
      if (isAt(bytes, name, HEADERS)) skipHeaders(bytes, value, end);
      else if (isAt(bytes, name, DELAY_MS)) scanned.delayMs = wholeNumber(bytes, value, end);
      else position = UNCOMMON;
      return;
    case 8:
      if (isAt(bytes, name, PRIORITY)) scanned.priority = wholeNumber(bytes, value, end);
      else position = UNCOMMON;
      return;
    case 9:
      if (isAt(bytes, name, MESSAGE_ID)) scanned.messageId = text(bytes, value, end);
      else if (isAt(bytes, name, DELIVER_AT)) scanned.deliverAt = wholeNumber(bytes, value, end);
      else position = UNCOMMON;
      return;
    default:
      position = UNCOMMON;
  }
}

function isAt(bytes: Buffer, offset: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i++) {
    if (bytes[offset + i] !== name[i]) return false;
  }
  return true;
}

/** A string, or undefined for nil. */
function text(bytes: Buffer, offset: number, end: number): string | undefined {
  if (bytes[offset] === 0xc0) {
    position = offset + 1;
    return undefined;
  }
  const start = textStart(bytes, offset, end);
  if (start === UNCOMMON) {
    position = UNCOMMON;
    return undefined;
  }
  const found = bytes.toString('utf8', start, position);
  // Of bytes that are no UTF-8 decodeAttributes has its own reading.
  if (found.includes(REPLACEMENT)) position = UNCOMMON;
  return found;
}

/** Sets the position to a string's end. @returns where its bytes begin, or UNCOMMON */
function textStart(bytes: Buffer, offset: number, end: number): number {
  const type = bytes[offset]!;
  let start = offset + 1;
  let length = type & 0x1f;
  if (type === 0xd9) {
    length = bytes[offset + 1]!;
    start = offset + 2;
  } else if (type === 0xda) {
    length = (bytes[offset + 1]! << 8) | bytes[offset + 2]!;
    start = offset + 3;
  } else if (!(type >= 0xa0 && type <= 0xbf)) return UNCOMMON;
  position = start + length;
  return start <= end && position <= end ? start : UNCOMMON;
}

/** A number from 0 to 2^53 - 1, or undefined for nil. */
function wholeNumber(bytes: Buffer, offset: number, end: number): number | undefined {
  const type = bytes[offset]!;
  if (type <= 0x7f) {
    position = offset + 1;
    return type;
  }
  switch (type) {
    case 0xc0: // nil
      position = offset + 1;
      return undefined;
    case 0xcc: // uint 8
      return unsigned(bytes, offset, 1, end);
    case 0xcd: // uint 16
      return unsigned(bytes, offset, 2, end);
    case 0xce: // uint 32
      return unsigned(bytes, offset, 4, end);
    case 0xcf: // uint 64
    case 0xd3: // int 64; past 2^53 - 1 when it is negative
      return unsigned(bytes, offset, 8, end);
    case 0xcb: // float 64
      return wholeDouble(bytes, offset, end);
    default:
      position = UNCOMMON;
      return undefined;
  }
}

function unsigned(bytes: Buffer, offset: number, size: number, end: number): number {
  let value = 0;
  position = offset + 1 + size;
  for (let i = offset + 1; i < position; i++) value = value * 256 + bytes[i]!;
  if (!(value <= Number.MAX_SAFE_INTEGER) || position > end) position = UNCOMMON;
  return value;
}

function wholeDouble(bytes: Buffer, offset: number, end: number): number {
  position = offset + 9;
  if (position > end) {
    position = UNCOMMON;
    return 0;
  }
  const value = bytes.readDoubleBE(offset + 1);
  if (!isWholeNumber(value)) position = UNCOMMON;
  return value;
}

/** Steps over a map of strings, or nil. */
function skipHeaders(bytes: Buffer, offset: number, end: number): void {
  const type = bytes[offset]!;
  position = offset + 1;
  if (type === 0xc0) return;
  if (type === 0xde) position = offset + 3;
  else if (type < 0x80 || type > 0x8f) position = UNCOMMON;
  let left = 2 * (type === 0xde ? (bytes[offset + 1]! << 8) | bytes[offset + 2]! : type & 0x0f);
  for (; left > 0 && position !== UNCOMMON; left--) {
    if (position >= end || textStart(bytes, position, end) === UNCOMMON) position = UNCOMMON;
  }
}
