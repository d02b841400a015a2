import {
  decodeHello,
  decodeWelcome,
  encodeEnvelope,
  type GroupInfo,
  Opcode,
  Unsupported,
} from '@simplemq/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COMMANDS, commandOf, payloadOf } from './command-codecs.ts';

test('every opcode has a command here', () => {
  const tested = COMMANDS.map(({ opcode }) => opcode).sort((a, b) => a - b);
  expect(tested).toEqual(Object.values(Opcode).sort((a, b) => a - b));
});

describe.each(COMMANDS)('$name', ({ opcode, from, messages, encode, decode }) => {
  test('decodes to the message that was encoded', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), messages, (requestId, message) => {
        const frame = encode(requestId, message);
        expect(frame[4]).toBe(opcode);
        expect(frame.readUInt32BE(0)).toBe(frame.length - 4);
        expect(decode(payloadOf(frame))).toEqual(message);
      }),
    );
  });

  test('bears the id of its request, or 0 when it has none', () => {
    const frame = encode(0xdead_beef, fc.sample(messages, { seed: 1, numRuns: 1 })[0]);
    const ids = UNASKED.has(opcode) ? 0 : 0xdead_beef;
    expect(frame.readUInt32BE(5)).toBe(ids);
    expect(['client', 'server', 'both']).toContain(from);
  });
});

const WELCOMES = commandOf(Opcode.Welcome).messages;

const UNASKED: ReadonlySet<number> = new Set([
  Opcode.Heartbeat,
  Opcode.Closing,
  Opcode.Credit,
  Opcode.Deliver,
  Opcode.FollowerEnded,
]);

describe('a field that this version does not know', () => {
  const asking = COMMANDS.filter(({ refusesUnknown }) => refusesUnknown);

  test.each(asking)('is refused as Unsupported in $name, which would otherwise ignore a wish', (command) => {
    const payload = payloadOf(command.encode(1, fc.sample(command.messages, { seed: 3, numRuns: 1 })[0]));
    expect(() => command.decode(withField(payload, 'fromTheFuture'))).toThrow(Unsupported);
  });

  test.each<[Opcode, object]>([
    [Opcode.CreateStream, { options: { shards: 1 } }],
    [Opcode.UpdateStream, { options: { shards: 1 } }],
    [Opcode.CreateGroup, { options: { shards: 1 } }],
    [Opcode.CreateGroup, { options: { retry: { shards: 1 } } }],
    [Opcode.UpdateGroup, { options: { retry: { shards: 1 } } }],
    [Opcode.ResetGroup, { startFrom: { shards: 1 } }],
    [Opcode.Follow, { upTo: 1, bytesUpTo: 1, options: { shards: 1 } }],
    [Opcode.Redrive, { filter: { shards: 1 } }],
  ])('is refused within a field too: opcode %d, %j', (opcode, fields) => {
    const payload = encodeEnvelope({ stream: 'orders', group: 'billing', ...fields });
    expect(() => commandOf(opcode).decode(payload)).toThrow(/'shards'/);
  });

  test('is ignored within the options of a group that a server tells of', () => {
    const { decode, encode, messages } = commandOf(Opcode.GroupInfoReply);
    const info = fc.sample(messages, { seed: 1, numRuns: 1 })[0] as GroupInfo;
    const options = { ...info.options, retry: { ...info.options.retry, shards: 1 }, shards: 1 };
    const told = decode(payloadOf(encode(1, { ...info, options }))) as GroupInfo;
    expect(told.options).toEqual({ ...info.options, retry: info.options.retry ?? {} });
  });

  const told = COMMANDS.filter(({ from }) => from === 'server');

  test.each(told)('is ignored in $name, so that a server may tell more than it used to', (command) => {
    const message = fc.sample(command.messages, { seed: 3, numRuns: 1 })[0];
    const payload = payloadOf(command.encode(1, message));
    expect(command.decode(withField(payload, 'fromTheFuture'))).toEqual(message);
  });
});

/** The payload with one more field in the map that it begins with. */
function withField(payload: Buffer, name: string): Buffer {
  const isFixmap = payload[0] !== 0xde;
  const count = 1 + (isFixmap ? payload[0]! & 0x0f : payload.readUInt16BE(1));
  const field = Buffer.concat([Buffer.from([0xa0 | name.length]), Buffer.from(name), Buffer.from([0xc0])]);
  return Buffer.concat([Buffer.of(0xde, count >> 8, count), field, payload.subarray(isFixmap ? 1 : 3)]);
}

test('a feature that is not a string is a ProtocolViolation, whatever it is', () => {
  const features = [{ toString: 1, valueOf: 1 }];
  const hello = encodeEnvelope({ version: 1, client: 'x', producer: Buffer.alloc(16), features });
  expect(() => decodeHello(hello)).toThrow(/an array of strings/);
  const welcome = { ...(fc.sample(WELCOMES, { seed: 1, numRuns: 1 })[0] as object), features };
  expect(() => decodeWelcome(encodeEnvelope(welcome))).toThrow(/an array of strings/);
});

test('of a HELLO of another version only the version is read, whatever else it holds', () => {
  const hello = decodeHello(encodeEnvelope({ version: 2, client: 7, fromTheFuture: true }));
  expect(hello.version).toBe(2);
});

test('a bind needs one of stream and pattern, and not both', () => {
  const follow = { upTo: 1, bytesUpTo: 1 };
  const { decode } = commandOf(Opcode.Follow);
  expect(() => decode(encodeEnvelope(follow))).toThrow(/needs 'stream' or 'pattern'/);
  expect(() => decode(encodeEnvelope({ ...follow, stream: 'a', pattern: 'b' }))).toThrow(/has both/);
});

test.each<[unknown[], string]>([
  [['orders', [2, 1, 1]], 'a range that ends before it begins'],
  [['orders', [0, 1, 1]], 'a sequence number of 0'],
  [['orders', [1, 1, 0]], 'an attempt of 0'],
  [['orders', [1, 1]], 'a pair instead of a triple'],
  [['orders', [1, 1.5, 1]], 'a fraction'],
  [['orders', [-1, 1, 1]], 'a negative number'],
  [['orders', [1, 2 ** 53, 1]], 'a number that is past 2^53 - 1'],
  [['orders', { first: 1 }], 'a map instead of an array'],
  [['orders'], 'a stream without ranges'],
  [[7, [1, 1, 1]], 'a number instead of a name'],
])('ACK refuses %j: %s', (entries) => {
  const { decode } = commandOf(Opcode.Ack);
  expect(() => decode(encodeEnvelope({ follower: 1, entries }))).toThrow(
    expect.objectContaining({ code: 'ProtocolViolation' }),
  );
});

const stream = 'orders';
const group = 'billing';

test.each<[Opcode, object, RegExp]>([
  [Opcode.ResetGroup, { stream, group }, /lacks the field 'startFrom'/],
  [Opcode.ResetGroup, { stream, group, startFrom: {} }, /one of 'sequence' and 'time'/],
  [Opcode.ResetGroup, { stream, group, startFrom: { sequence: 1, time: 1 } }, /one of 'sequence' and 'time'/],
  [Opcode.ResetGroup, { stream, group, startFrom: 7 }, /it must be a map/],
  [Opcode.PurgeStream, { stream, sequence: 1, time: 1 }, /both 'sequence' and 'time'/],
  [Opcode.UpdateGroup, { stream, group, options: { retry: { factor: Number.NaN } } }, /'factor'/],
  [Opcode.UpdateGroup, { stream, group, options: { retry: { maxDeliveries: 1.5 } } }, /'maxDeliveries'/],
  [Opcode.UpdateGroup, { stream, group }, /lacks the field 'options'/],
  [Opcode.DeadLetters, { stream, filter: { sequences: [1, 'a'] } }, /'sequences'/],
  [Opcode.DeadLetters, { stream, filter: { headers: { a: 1 } } }, /'headers.a'/],
  [Opcode.CancelDelayed, { stream, ids: [1.5] }, /'ids'/],
  [Opcode.PauseSchedule, { name: 'nightly' }, /lacks the field 'paused'/],
])('opcode %d with %j is a ProtocolViolation', (opcode, fields, message) => {
  const { decode } = commandOf(opcode);
  expect(() => decode(encodeEnvelope({ ...fields }))).toThrow(message);
  expect(() => decode(encodeEnvelope({ ...fields }))).toThrow(
    expect.objectContaining({ code: 'ProtocolViolation' }),
  );
});

test('a place to start from that this version does not know is Unsupported', () => {
  const payload = encodeEnvelope({ stream: 'orders', startFrom: 'yesterday' });
  expect(() => commandOf(Opcode.Read).decode(payload)).toThrow(Unsupported);
});
