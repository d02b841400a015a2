import fc from 'fast-check';

const TEXTS = ['key', 'messageId', 'group'];
const NUMBERS = ['priority', 'ttlMs', 'delayMs', 'deliverAt'];

/** Attributes in any of msgpack's encodings of their parts, some of them wrong, as a stranger might write them. */
export const looseAttributes: fc.Arbitrary<Buffer> = fc
  .tuple(fc.array(fc.oneof(anyField(), anyField(), strangeField()), { maxLength: 6 }), fc.nat(9))
  .map(([fields, form]) => Buffer.concat([mapHead(fields.length, form), ...fields]));

/** One of those that there are, more often than not with a value of its type. */
function anyField(): fc.Arbitrary<Buffer> {
  const texts = fc.tuple(fc.constantFrom(...TEXTS), looseText()).map(([name, value]) => field(name, value));
  const numbers = fc
    .tuple(fc.constantFrom(...NUMBERS), looseNumber())
    .map(([name, value]) => field(name, value));
  return fc.oneof(texts, numbers, looseHeaders());
}

/** One that has a value of another type, or that there is not. */
function strangeField(): fc.Arbitrary<Buffer> {
  const names = fc.constantFrom(
    ...TEXTS,
    ...NUMBERS,
    'headers',
    'dead',
    'colour',
    'kez',
    'groupe',
    '__proto__',
  );
  const values = fc.oneof(
    looseText(),
    looseNumber(),
    fc.constantFrom('c0', 'c2', '80', '90', 'c40101').map(hex),
  );
  return fc.tuple(names, values).map(([name, value]) => field(name, value));
}

function field(name: string, value: Buffer): Buffer {
  return Buffer.concat([Buffer.of(0xa0 | name.length), Buffer.from(name), value]);
}

function looseHeaders(): fc.Arbitrary<Buffer> {
  const pairs = fc.array(
    fc.tuple(looseText(), fc.oneof({ weight: 9, arbitrary: looseText() }, looseNumber())),
    {
      maxLength: 4,
    },
  );
  return fc
    .tuple(pairs, fc.nat(9))
    .map(([list, form]) => field('headers', Buffer.concat([mapHead(list.length, form), ...list.flat()])));
}

function mapHead(size: number, form: number): Buffer {
  if (form === 0) return Buffer.of(0xdf, 0, 0, 0, size);
  return form === 1 ? Buffer.of(0xde, 0, size) : Buffer.of(0x80 | size);
}

/** A string of any kind of header, with bytes that are UTF-8 or not. */
function looseText(): fc.Arbitrary<Buffer> {
  const bytes = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }).map((text) => Buffer.from(text)),
    fc.string({ maxLength: 31 }).map((text) => Buffer.from(text)),
    fc.constantFrom('', '\ufffd', '__proto__').map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array)),
  );
  return fc.tuple(bytes, fc.nat(5)).map(([text, form]) => Buffer.concat([textHead(text.length, form), text]));
}

function textHead(length: number, form: number): Buffer {
  if (form === 0) return Buffer.of(0xdb, 0, 0, 0, length);
  if (form === 1) return Buffer.of(0xda, 0, length);
  return form === 2 || length > 31 ? Buffer.of(0xd9, length) : Buffer.of(0xa0 | length);
}

/** A number in any of msgpack's types, whole, from 0 and small enough, or not. */
function looseNumber(): fc.Arbitrary<Buffer> {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const typed = ([type, length]: readonly [type: number, length: number]) =>
    bytes(length).map((value) => Buffer.from([type, ...value]));
  const anyTyped = fc
    .constantFrom(
      [0xcc, 1],
      [0xcd, 2],
      [0xce, 4],
      [0xcf, 8],
      [0xd0, 1],
      [0xd1, 2],
      [0xd2, 4],
      [0xd3, 8],
      [0xca, 4],
      [0xcb, 8],
    )
    .chain((kind) => typed(kind as [number, number]));
  return fc.oneof(
    fc.nat(255).map((byte) => Buffer.of(byte)),
    small(),
    anyTyped,
    double(),
  );
}

/** 0 to 4, in a type that is wider than it needs. */
function small(): fc.Arbitrary<Buffer> {
  const types = fc.constantFrom<[number, number]>([0xcc, 0], [0xcd, 1], [0xce, 3], [0xcf, 7], [0xd3, 7]);
  return fc
    .tuple(types, fc.nat(4))
    .map(([[type, zeros], value]) => Buffer.from([type, ...new Array<number>(zeros).fill(0), value]));
}

function double(): fc.Arbitrary<Buffer> {
  const numbers = fc.oneof(fc.nat(4), fc.maxSafeNat(), fc.double(), fc.constantFrom(-0, 2 ** 53, -1, 1.5));
  return numbers.map((value) => {
    const bytes = Buffer.alloc(9, 0xcb);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  });
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}
