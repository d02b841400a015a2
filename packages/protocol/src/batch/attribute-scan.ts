import { isWholeNumber } from '../envelope/fields.ts';
import { scanValue } from '../envelope/scan.ts';
import { ATTRIBUTES_BYTES_MAX } from '../limits.ts';
import { type Attributes, decodeAttributes, PRIORITY_MAX } from './attributes.ts';

/** The attributes that a broker acts upon. Every field is always there, so that all scans have one shape. */
export class ScannedAttributes {
  key: ScannedText | undefined = undefined;
  priority: number | undefined = undefined;
  deliverAt: number | undefined = undefined;
  delayMs: number | undefined = undefined;
  ttlMs: number | undefined = undefined;
  messageId: ScannedText | undefined = undefined;
  group: ScannedText | undefined = undefined;
  isDead = false;
  /** The offset past the attributes. */
  end = 0;
}

/** Valid UTF-8 where it was found: a string of it is made only for who asks. */
export class ScannedText {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly isAscii: boolean;

  constructor(bytes: Buffer, start: number, end: number, isAscii: boolean) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.isAscii = isAscii;
  }

  toString(): string {
    const { bytes, start, end } = this;
    return bytes.toString(this.isAscii ? 'latin1' : 'utf8', start, end);
  }
}

/**
 * As decodeAttributes, for the broker, which does this for each attributed record that crosses it: written by hand over
 * the bytes, for attributes as encoders commonly write them. Whatever is out of the common (a fault, a rare type of
 * number, a dead letter) goes to decodeAttributes, so that the two agree on what is accepted and on its value.
 *
 * @throws as decodeAttributes does, also when the attributes end before `end`
 */
export function scanAttributes(bytes: Buffer, start = 0, end: number = bytes.length): ScannedAttributes {
  const scanned = new ScannedAttributes();
  return scanMap(bytes, start, end, scanned) && scanned.end === end ? scanned : scanSlowly(bytes, start, end);
}

/** As scanAttributes, of attributes that end somewhere before `end`, as those of a record do before its body. */
export function scanLeadingAttributes(bytes: Buffer, start: number, end: number): ScannedAttributes {
  const scanned = new ScannedAttributes();
  return scanMap(bytes, start, end, scanned)
    ? scanned
    : scanSlowly(bytes, start, scanValue(bytes, start, end));
}

function scanSlowly(bytes: Buffer, start: number, end: number): ScannedAttributes {
  const attributes: Attributes = decodeAttributes(bytes.subarray(start, end));
  const { key, priority, deliverAt, delayMs, ttlMs, messageId, group, dead } = attributes;
  const texts = { key: textOf(key), messageId: textOf(messageId), group: textOf(group) };
  const rest = { priority, deliverAt, delayMs, ttlMs, isDead: dead !== undefined, end };
  return Object.assign(new ScannedAttributes(), texts, rest);
}

function textOf(text: string | undefined): ScannedText | undefined {
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text);
  return new ScannedText(bytes, 0, bytes.length, false);
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

/** @returns whether the map is a common one */
function scanMap(bytes: Buffer, start: number, end: number, scanned: ScannedAttributes): boolean {
  if (start >= end || end > bytes.length) return false;
  const type = bytes[start]!;
  if (type < 0x80 || type > 0x8f) return false;
  position = start + 1;
  for (let left = type & 0x0f; left > 0; left--) {
    scanField(bytes, position, end, scanned);
    if (position === UNCOMMON) return false;
  }
  scanned.end = position;
  // In so few bytes there are never more values than an envelope may hold.
  const isShort = position <= end && position - start <= ATTRIBUTES_BYTES_MAX;
  return isShort && isAsItMustBe(scanned);
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
function text(bytes: Buffer, offset: number, end: number): ScannedText | undefined {
  if (bytes[offset] === 0xc0) {
    position = offset + 1;
    return undefined;
  }
  const start = textStart(bytes, offset, end);
  if (start === UNCOMMON) {
    position = UNCOMMON;
    return undefined;
  }
  const found = new ScannedText(bytes, start, position, isAscii(bytes, start, position));
  // Of bytes that are no UTF-8 decodeAttributes has its own reading.
  if (!found.isAscii && found.toString().includes(REPLACEMENT)) position = UNCOMMON;
  return found;
}

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (bytes[at]! > 0x7f) return false;
  }
  return true;
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
