import { msgpack } from '@simplemq/client';
import { describe, expect, test } from 'vitest';
import { readPage } from './examples.ts';

const page = readPage();

describe("the page's table of body encodings", () => {
  test.each<[unknown, string]>([
    [{ a: 1 }, '81 a1 61 01'],
    [5_000_000_000, 'cb 41 f2 a0 5f 20 00 00 00'],
    [[Buffer.from([1, 2])], '91 c4 02 01 02'],
    [new Date('2023-11-14T22:13:20Z'), 'd6 ff 65 53 f1 00'],
    [5n, 'd3 00 00 00 00 00 00 00 05'],
    [2n ** 64n, 'd8 42 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00'],
    [new Map([['a', 1]]), 'd6 4d 92 a1 61 01'],
    [new Set([1, 2]), 'c7 03 53 92 01 02'],
    [undefined, 'd4 00 00'],
  ])('tells how the SDK writes %o', (value, hex) => {
    expect(page.includes(`is \`${hex}\``)).toBe(true);
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    expect(Buffer.from(msgpack.encode(value))).toEqual(bytes);
    expect(msgpack.decode(bytes)).toEqual(value);
  });
});
