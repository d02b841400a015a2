import fc from 'fast-check';
import { Unpackr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { json, msgpack, raw } from '../../src/index.ts';

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'binary' }),
    fc.integer(),
    // A codec of msgpack has one zero.
    fc.double({ noNaN: true }).map((number) => (number === 0 ? 0 : number)),
    fc.bigInt(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.date({ noInvalidDate: true, min: new Date(-8e12), max: new Date(8e12) }),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.array(tie('value')),
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      tie('value'),
      { noNullPrototype: true },
    ),
    fc.array(fc.tuple(tie('value'), tie('value'))).map((entries) => new Map(entries)),
    fc.array(tie('value')).map((items) => new Set(items)),
  ),
}));

describe('the default codec', () => {
  it('gives back every value as it was', () => {
    fc.assert(
      fc.property(value, (given) => {
        expect(msgpack.decode(Buffer.from(msgpack.encode(given)))).toStrictEqual(given);
      }),
      { numRuns: 500 },
    );
  });

  it('writes objects, arrays, bytes and dates so that any msgpack decoder reads them', () => {
    const given = {
      a: [1, 'x', null, true, 1.5],
      date: new Date(1_700_000_000_123),
      bytes: Buffer.from('hi'),
    };
    const plain = new Unpackr({ useRecords: false, mapsAsObjects: true });
    expect(plain.unpack(msgpack.encode(given))).toEqual(given);
  });

  it('keeps maps apart from objects, however deep they lie', () => {
    const given = {
      map: new Map<unknown, unknown>([[{ a: 1 }, new Map([[1n, new Set(['x'])]])]]),
      object: { 1: 2 },
    };
    expect(msgpack.decode(msgpack.encode(given))).toStrictEqual(given);
  });

  it('leaves what it encodes as it was', () => {
    const given = { list: [new Map([[1, 2]])] };
    msgpack.encode(given);
    expect(given).toStrictEqual({ list: [new Map([[1, 2]])] });
  });

  it('throws on bytes that are no value, and goes on afterwards', () => {
    expect(() => msgpack.decode(Buffer.from([0x92, 0x01]))).toThrow();
    expect(msgpack.decode(msgpack.encode(new Set([1])))).toStrictEqual(new Set([1]));
  });
});

describe('the other codecs', () => {
  it('raw takes bytes and nothing else', () => {
    const bytes = new Uint8Array([1, 2]);
    expect(raw.decode(raw.encode(bytes))).toBe(bytes);
    expect(() => raw.encode('text' as never)).toThrow(expect.objectContaining({ code: 'InvalidOption' }));
  });

  it('json is JSON in UTF-8', () => {
    expect(Buffer.from(json.encode({ é: 1 })).toString()).toBe('{"é":1}');
    expect(json.decode(json.encode({ é: [1] }))).toEqual({ é: [1] });
    expect(() => json.encode(undefined)).toThrow(expect.objectContaining({ code: 'InvalidOption' }));
  });
});
