import { decodeEnvelope, decodeLeadingEnvelope, encodeEnvelope, ProtocolViolation } from '@simplemq/protocol';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { bytesInUse } from '../memory.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('an envelope', () => {
  test('leaves out what is undefined', () => {
    expect(encodeEnvelope({ a: undefined, b: 1 })).toEqual(hex('81 a1 62 01'));
  });

  test('takes nil for a field that is not there', () => {
    const fields = decodeEnvelope('A', hex('81 a1 61 c0'));
    expect(fields.optionalString('a')).toBeUndefined();
    fields.end();
  });

  test.each([
    ['positive fixint', '05', 5],
    ['uint 8', 'cc 05', 5],
    ['uint 16', 'cd 00 05', 5],
    ['uint 32', 'ce 00 00 00 05', 5],
    ['uint 64', 'cf 00 00 00 00 00 00 00 05', 5],
    ['int 8', 'd0 05', 5],
    ['int 16', 'd1 00 05', 5],
    ['int 32', 'd2 00 00 00 05', 5],
    ['int 64', 'd3 00 00 00 00 00 00 00 05', 5],
    ['float 32', 'ca 40 a0 00 00', 5],
    ['float 64', 'cb 40 14 00 00 00 00 00 00', 5],
    ['the largest uint 64 that is exact', 'cf 00 1f ff ff ff ff ff ff', Number.MAX_SAFE_INTEGER],
    ['the largest float 64 that is exact', 'cb 43 3f ff ff ff ff ff ff', Number.MAX_SAFE_INTEGER],
  ])('reads a whole number from a %s', (_, value, expected) => {
    expect(decodeEnvelope('A', hex(`81 a1 61 ${value}`)).integer('a')).toBe(expected);
  });

  test.each([
    ['negative fixint', 'ff'],
    ['int 64 below zero', 'd3 ff ff ff ff ff ff ff ff'],
    ['uint 64 past 2^53 - 1', 'cf 00 20 00 00 00 00 00 00'],
    ['fraction', 'cb 3f f8 00 00 00 00 00 00'],
    ['NaN', 'cb 7f f8 00 00 00 00 00 00'],
    ['infinity', 'cb 7f f0 00 00 00 00 00 00'],
    ['string', 'a1 35'],
    ['boolean', 'c3'],
  ])('refuses a %s for a whole number', (_, value) => {
    expect(() => decodeEnvelope('A', hex(`81 a1 61 ${value}`)).integer('a')).toThrow(ProtocolViolation);
  });

  test.each([
    ['an array', '90'],
    ['nil', 'c0'],
    ['a number', '01'],
    ['nothing', ''],
    ['a map with a map for a key', '81 80 c0'],
    ['a map with an array for a key', '81 90 c0'],
    ['a map with bytes after it', '80 c0'],
    ['a map that lacks a value', '81 a1 61'],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeEnvelope('A', hex(bytes))).toThrow(ProtocolViolation);
  });

  test('tells where it ended when a batch follows', () => {
    const { fields, end } = decodeLeadingEnvelope('A', hex('81 a1 61 05 ff ff'));
    expect(end).toBe(4);
    expect(fields.integer('a')).toBe(5);
  });

  test('cannot change the prototype of what it decodes to', () => {
    const fields = decodeEnvelope(
      'A',
      new Packr({ useRecords: false }).pack(JSON.parse('{"__proto__":{"a":"x"}}')),
    );
    expect(fields.optionalString('a')).toBeUndefined();
    expect(() => fields.end()).toThrow(/'__proto_'/);
    for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
      expect(decodeEnvelope('A', hex('80')).optionalString(name)).toBeUndefined();
    }
  });

  test('names the frame, the field and both types when a type is wrong', () => {
    expect(() => decodeEnvelope('FOLLOW', hex('81 a1 61 90')).string('a')).toThrow(
      "FOLLOW has 'a' of type array; it must be a string",
    );
    expect(() => decodeEnvelope('FOLLOW', hex('80')).string('a')).toThrow(
      "FOLLOW lacks the field 'a' (a string)",
    );
  });
});

describe('the memory that hostile bytes take', () => {
  const refused = [
    'df ff ff ff ff',
    'dd ff ff ff ff',
    '81 a1 61 dd ff ff ff ff',
    '81 a1 61 dd 00 98 96 80',
    '81 a1 61 db ff ff ff ff',
    '81 a1 61 c6 ff ff ff ff',
  ];

  test.each(refused)('does not grow with a length that is only declared: %s', (bytes) => {
    const before = bytesInUse();
    const errors = Array.from({ length: 50 }, () => {
      try {
        return decodeEnvelope('A', hex(bytes));
      } catch (error) {
        return error;
      }
    });
    expect(errors.every((error) => error instanceof ProtocolViolation)).toBe(true);
    expect(bytesInUse() - before).toBeLessThan(1024 * 1024);
  });

  test.each([
    ['empty maps', 0x80],
    ['empty arrays', 0x90],
    ['empty strings', 0xa0],
    ['numbers', 0x01],
  ])('is at most 100 bytes for each byte received, with a list of %s', (_, type) => {
    const count = 60_000;
    const payload = Buffer.concat([hex('81 a1 61 dd'), Buffer.alloc(4), Buffer.alloc(count, type)]);
    payload.writeUInt32BE(count, 4);
    const before = bytesInUse();
    const list = decodeEnvelope('A', payload).array('a');
    expect(bytesInUse() - before).toBeLessThan(count * 100);
    expect(list).toHaveLength(count);
  });
});
