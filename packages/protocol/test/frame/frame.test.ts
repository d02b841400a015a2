import { encodeFrame, encodeFrameHead, Opcode, opcodeName } from '@simplemq/protocol';
import { expect, test } from 'vitest';

test('a frame is its length, opcode, request id and payload, big-endian', () => {
  const frame = encodeFrame(Opcode.Ack, 0x01020304, Buffer.from([0xaa, 0xbb]));
  expect(frame.toString('hex')).toBe('00000007' + '34' + '01020304' + 'aabb');
});

test('the head of a frame declares the length of a tail that is sent after it', () => {
  const tail = Buffer.from('the batch');
  const head = encodeFrameHead(Opcode.Publish, 7, Buffer.from([0x80]), tail.length);
  const whole = encodeFrame(Opcode.Publish, 7, Buffer.concat([Buffer.from([0x80]), tail]));
  expect(Buffer.concat([head, tail])).toEqual(whole);
});

test('request ids use all 32 bits', () => {
  expect(encodeFrame(Opcode.Ack, 0xffff_ffff, Buffer.alloc(0)).readUInt32BE(5)).toBe(0xffff_ffff);
});

test('opcodes are named as the protocol page names them', () => {
  expect(opcodeName(Opcode.FollowerEnded)).toBe('FOLLOWER_ENDED');
  expect(opcodeName(Opcode.StreamInfoReply)).toBe('STREAM_INFO_REPLY');
  expect(opcodeName(0x00)).toBeUndefined();
});

test('an answer has the opcode of its request with the top bit set', () => {
  const unasked: number[] = [
    Opcode.Heartbeat,
    Opcode.Closing,
    Opcode.Credit,
    Opcode.Deliver,
    Opcode.FollowerEnded,
  ];
  const requests = Object.values(Opcode).filter((opcode) => opcode < 0x80 && !unasked.includes(opcode));
  for (const request of requests) expect(opcodeName(request | 0x80)).toBeDefined();
  const answers = Object.values(Opcode).filter((opcode) => opcode >= 0x80 && opcode !== Opcode.Error);
  expect(answers.map((answer) => answer & 0x7f).sort()).toEqual([...requests].sort());
});
