import {
  decodeAttributes,
  decodeStreamsListed,
  encodeFrame,
  encodeListStreams,
  Opcode,
} from '@simplemq/protocol';
import { RawPeer, type SpawnedBroker, spawnBroker } from '@simplemq/testkit';
import { Packr } from 'msgpackr';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bystander } from '../live/bystander.ts';
import { residentMb } from '../resident.ts';

/** Known attacks on readers of msgpack, sent to a broker that runs while somebody else works on it. */
let broker: SpawnedBroker;
let bystander: Bystander;

/** A broker that works takes tens of MB more now and then; what is declared here would be some GB. */
const GROWTH_MB_MAX = 128;
const ATTACKS_EACH = 10;

beforeAll(async () => {
  broker = await spawnBroker({ logs: { level: 'fatal' } });
  bystander = await Bystander.start(broker.port);
});

afterAll(async () => {
  expect(await bystander.end()).toBeGreaterThan(0);
  await bystander[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
});

const bytes = (...parts: readonly (string | Uint8Array)[]): Buffer =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part.replaceAll(' ', ''), 'hex') : part)),
  );
/** A map of one field, `stream`, up to its value. */
const STREAM = '81 a6 73747265616d';
const key = (name: string): Buffer => bytes(Buffer.of(0xa0 + name.length), Buffer.from(name));

async function streams(peer: RawPeer): Promise<string[]> {
  const reply = await peer.request(encodeListStreams(peer.nextRequestId(), {}), Opcode.StreamsListed);
  return decodeStreamsListed(reply.payload).streams.map(({ name }) => name);
}

describe('what msgpack only declares, or what has no place in an envelope', () => {
  test.each<[string, Buffer]>([
    ['a map of 2^32 - 1 fields', bytes('df ffffffff')],
    ['a map of 65,535 fields', bytes('de ffff')],
    ['an array of 2^32 - 1 values', bytes(STREAM, 'dd ffffffff')],
    ['an array of 65,535 values', bytes(STREAM, 'dc ffff')],
    [
      'an array of a million values with a few of them',
      bytes(STREAM, 'dd 000f4240', Buffer.alloc(1_000, 0xc0)),
    ],
    ['a string of 4 GiB', bytes(STREAM, 'db ffffffff')],
    ['a string of 2 GiB', bytes(STREAM, 'db 7fffffff')],
    ['bytes of 4 GiB', bytes(STREAM, 'c6 ffffffff')],
    ['arrays in arrays, 100,000 deep', bytes(STREAM, Buffer.alloc(100_000, 0x91))],
    ['maps in maps, 50,000 deep', bytes(STREAM, Buffer.alloc(100_000, Buffer.from('81a0', 'hex')))],
    [
      'arrays of 2^32 - 1 in one another',
      bytes(STREAM, Buffer.alloc(50_000, Buffer.from('ddffffffff', 'hex'))),
    ],
    ['a fixext 1', bytes(STREAM, 'd4 01 00')],
    ["a fixext 1 that is msgpackr's undefined", bytes(STREAM, 'd4 00 00')],
    ["a record definition of msgpackr's", bytes(STREAM, 'd4 72 40 91 a1 61 01')],
    ['a timestamp of 32 bits', bytes(STREAM, 'd6 ff 00000000')],
    ['a timestamp of 64 bits', bytes(STREAM, 'd7 ff 0000000000000000')],
    ['a timestamp of 96 bits', bytes(STREAM, 'c7 0c ff 000000000000000000000000')],
    ['an ext 32 of 4 GiB', bytes(STREAM, 'c9 ffffffff 01')],
    ['a big integer of msgpackr', bytes(STREAM, 'c7 10 42', Buffer.alloc(16, 0xff))],
    ['the byte that means nothing', bytes(STREAM, 'c1')],
    ['a map for a key', bytes('81 80 a1 61')],
    ['NaN for a name', bytes(STREAM, 'cb 7ff8000000000000')],
    ['nothing', bytes()],
  ])('%s is a ProtocolViolation that ends its connection, and takes no memory', async (_, payload) => {
    const before = await residentMb(broker);
    for (let i = 0; i < ATTACKS_EACH; i++) {
      await using peer = await RawPeer.open(broker);
      peer.send(encodeFrame(Opcode.CreateStream, 7, payload));
      expect(await peer.expectError()).toMatchObject({ code: 'ProtocolViolation' });
      await peer.closed;
    }
    expect((await residentMb(broker)) - before).toBeLessThan(GROWTH_MB_MAX);
  });
});

describe('what msgpack can say and an option cannot be', () => {
  test.each([
    ['NaN', 'cb 7ff8000000000000'],
    ['infinity', 'cb 7ff0000000000000'],
    ['less than nothing', 'cb bff0000000000000'],
    ['a fraction', 'cb 3fe0000000000000'],
    ['2^64 - 1', 'cf ffffffffffffffff'],
    ['-2^63', 'd3 8000000000000000'],
    ['2^53', 'cf 0020000000000000'],
  ])('a limit of %s is refused, and makes no stream', async (what, number) => {
    const name = `limited by ${what}`;
    const payload = bytes('82', key('stream'), key(name), key('options'), '81', key('maxMessages'), number);
    await using peer = await RawPeer.open(broker);
    peer.send(encodeFrame(Opcode.CreateStream, 7, payload));
    expect(await peer.expectError()).toMatchObject({ code: 'ProtocolViolation' });
    await using other = await RawPeer.open(broker);
    expect(await streams(other)).not.toContain(name);
  });

  test('a limit of -0 is one of 0', async () => {
    const payload = bytes(
      '82',
      key('stream'),
      key('negative-zero'),
      key('options'),
      '81',
      key('maxMessages'),
      'cb 8000000000000000',
    );
    await using peer = await RawPeer.open(broker);
    const zero = bytes(payload.subarray(0, -9), '00');
    await peer.request(encodeFrame(Opcode.CreateStream, 7, payload), Opcode.StreamCreated);
    // Other options would be a StreamConflict.
    await peer.request(encodeFrame(Opcode.CreateStream, 8, zero), Opcode.StreamCreated);
  });
});

describe('a name that JavaScript has a use for', () => {
  test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then'])(
    '%s as a field is Unsupported, and reaches nobody else',
    async (name) => {
      await using peer = await RawPeer.open(broker);
      const payload = bytes('82', key('stream'), key('orders'), key(name), '81', key('version'), '01');
      peer.send(encodeFrame(Opcode.StreamInfo, 7, payload));
      expect(await peer.expectError()).toMatchObject({ code: 'Unsupported' });
      // The connection lives, and an envelope that lacks everything still does.
      peer.send(encodeFrame(Opcode.StreamInfo, 8, bytes('80')));
      expect(await peer.expectError()).toMatchObject({
        message: expect.stringContaining("lacks the field 'stream'"),
      });
    },
  );

  test.each(['__proto__', 'constructor', 'toString'])('%s may be a stream', async (name) => {
    await using peer = await RawPeer.open(broker);
    const create = encodeFrame(Opcode.CreateStream, 7, bytes('81', key('stream'), key(name)));
    await peer.request(create, Opcode.StreamCreated);
    expect(await streams(peer)).toContain(name);
    const info = encodeFrame(Opcode.StreamInfo, 8, bytes('81', key('stream'), key(name)));
    await peer.request(info, Opcode.StreamInfoReply);
  });

  test('__proto__ among the headers of a message changes no object of who reads them', () => {
    const headers = JSON.parse('{"__proto__": "x", "constructor": "y"}') as object;
    const attributes = decodeAttributes(new Packr({ useRecords: false }).pack({ headers }));
    expect(attributes.headers!.constructor).toBe('y');
    expect(Object.getPrototypeOf(attributes.headers)).toBe(Object.prototype);
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
    const nested = Buffer.concat([
      bytes('81', key('headers'), '81', key('__proto__'), '81', key('polluted'), key('x')),
    ]);
    expect(() => decodeAttributes(nested)).toThrow(expect.objectContaining({ code: 'ProtocolViolation' }));
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
  });
});

test('of a field that comes twice the last one counts, for who checks it and for who acts on it', async () => {
  await using peer = await RawPeer.open(broker);
  const twice = bytes('82', key('stream'), key('first-of-two'), key('stream'), key('last-of-two'));
  await peer.request(encodeFrame(Opcode.CreateStream, 7, twice), Opcode.StreamCreated);
  const names = await streams(peer);
  expect(names).toContain('last-of-two');
  expect(names).not.toContain('first-of-two');
});

test.each(['ff', 'c3', 'eda080', 'c0af', 'f4908080'])(
  'a stream whose name is not UTF-8 is not made: %s',
  async (hex) => {
    await using peer = await RawPeer.open(broker);
    const name = bytes(Buffer.of(0xa1 + hex.length / 2), '6e', hex);
    peer.send(encodeFrame(Opcode.CreateStream, 7, bytes('81', key('stream'), name)));
    expect(await peer.expectError()).toMatchObject({ code: 'InvalidName' });
  },
);
