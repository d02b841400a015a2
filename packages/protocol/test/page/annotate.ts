import { FRAME_HEADER_BYTES, opcodeName, scanValue } from '@simplemq/protocol';
import { unpack } from 'msgpackr';

const HEX_COLUMNS = 50;
const BYTES_PER_LINE = 16;

/** Bytes as docs/PROTOCOL.md shows them: a line of hex for each thing, with what it is behind a `#`. */
class Annotation {
  readonly #bytes: Buffer;
  readonly #lines: string[] = [];
  offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get text(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  get isAtEnd(): boolean {
    return this.offset >= this.#bytes.length;
  }

  /** The next `length` bytes as one thing. */
  take(length: number, depth: number, tell: (bytes: Buffer) => string): Buffer {
    const bytes = this.#bytes.subarray(this.offset, this.offset + length);
    const comment = tell(bytes);
    for (let at = 0; at < Math.max(1, length); at += BYTES_PER_LINE) {
      const octets = [...bytes.subarray(at, at + BYTES_PER_LINE)].map((byte) =>
        byte.toString(16).padStart(2, '0'),
      );
      const hex = `${'  '.repeat(depth)}${octets.join(' ')}`;
      this.#lines.push(at === 0 ? `${hex.padEnd(HEX_COLUMNS + 2 * depth)} # ${comment}` : hex);
    }
    this.offset += length;
    return bytes;
  }

  number(size: 1 | 2 | 4, depth: number, tell: (value: number) => string): number {
    return this.take(size, depth, (bytes) => tell(bytes.readUIntBE(0, size))).readUIntBE(0, size);
  }

  /** The next msgpack value, its parts one level further in. */
  value(depth: number, role = ''): void {
    const type = this.#bytes[this.offset]!;
    if (type >= 0x80 && type <= 0x8f) this.#map(type & 0x0f, depth, role);
    else if (type >= 0x90 && type <= 0x9f) this.#array(type & 0x0f, depth, role);
    else if (type === 0xde) this.#map(this.#bytes.readUInt16BE(this.offset + 1), depth, role, 3);
    else if (type === 0xdc) this.#array(this.#bytes.readUInt16BE(this.offset + 1), depth, role, 3);
    else this.#scalar(depth, role);
  }

  #scalar(depth: number, role: string): void {
    const end = scanValue(this.#bytes, this.offset);
    this.take(end - this.offset, depth, (bytes) => `${role}${shown(unpack(bytes), bytes[0]!)}`);
  }

  #map(size: number, depth: number, role: string, headBytes = 1): void {
    this.take(headBytes, depth, () => `${role}map of ${size}`);
    for (let i = 0; i < size; i++) {
      this.value(depth + 1, 'key ');
      this.value(depth + 2);
    }
  }

  #array(size: number, depth: number, role: string, headBytes = 1): void {
    this.take(headBytes, depth, () => `${role}array of ${size}`);
    for (let i = 0; i < size; i++) this.value(depth + 1);
  }
}

export function annotateFrame(frame: Buffer): string {
  const annotation = new Annotation(frame);
  annotation.number(4, 0, (length) => `length: ${length} bytes follow`);
  annotation.number(1, 0, (value) => `opcode: ${opcodeName(value)}`);
  annotation.number(4, 0, (id) => `request id: ${id}`);
  if (frame.length > FRAME_HEADER_BYTES) annotation.value(0);
  while (!annotation.isAtEnd) batch(annotation);
  return annotation.text;
}

export function annotateBatch(bytes: Buffer): string {
  const annotation = new Annotation(bytes);
  batch(annotation);
  return annotation.text;
}

function batch(annotation: Annotation): void {
  const records = annotation.number(4, 0, (count) => `batch: count, ${plural(count, 'record')}`);
  annotation.number(4, 0, (length) => `batch: bytes, ${length} of records`);
  annotation.number(4, 0, () => 'batch: crc32 of all that follows the 16 bytes');
  annotation.number(1, 0, (flags) => `batch: flags${flags === 0 ? '' : ', plain'}`);
  annotation.number(1, 0, () => 'batch: 0');
  const shared = annotation.number(2, 0, (bytes) => `batch: shared, ${bytes} bytes of attributes`);
  if (shared > 0) annotation.value(1, 'shared attributes: ');
  for (let record = 1; record <= records; record++) oneRecord(annotation, record);
}

function oneRecord(annotation: Annotation, which: number): void {
  const length = annotation.number(
    4,
    0,
    (bytes) => `record ${which}: length, ${plural(bytes, 'byte')} follow`,
  );
  const end = annotation.offset + length;
  const flags = annotation.number(1, 0, (value) => `record ${which}: flags${FLAG_NAMES[value]}`);
  if ((flags & 1) !== 0) annotation.value(1, 'attributes: ');
  if ((flags & 2) === 0) annotation.value(1, 'body: ');
  else annotation.take(end - annotation.offset, 1, (bytes) => `body: ${plural(bytes.length, 'raw byte')}`);
}

const FLAG_NAMES = [', none: the body is msgpack', ', attributes', ', raw', ', attributes and raw'];

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function shown(value: unknown, type: number): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  const asFloat = type === 0xcb ? ', as float 64' : '';
  return `${JSON.stringify(value)}${asFloat}`;
}
