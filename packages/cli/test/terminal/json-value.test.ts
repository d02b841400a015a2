import { expect, test } from 'vitest';
import { jsonText } from '../../src/terminal/json-value.ts';

test.each([
  ['text', '"text"'],
  [undefined, 'null'],
  [12n, '{"$bigint":"12"}'],
  [Buffer.from('hi'), '{"$base64":"aGk="}'],
  [new Uint8Array([255]), '{"$base64":"/w=="}'],
  [new Map<unknown, unknown>([['a', 1n]]), '{"$map":[["a",{"$bigint":"1"}]]}'],
  [new Set([Buffer.from('hi')]), '{"$set":[{"$base64":"aGk="}]}'],
  [new Date(0), '"1970-01-01T00:00:00.000Z"'],
  [{ a: [new Date(0), undefined] }, '{"a":["1970-01-01T00:00:00.000Z",null]}'],
])('%o becomes %s', (value, text) => {
  expect(jsonText(value)).toBe(text);
});

test('it is one line whatever the strings hold', () => {
  expect(jsonText({ 'a\nb': 'c\r\nd' })).not.toMatch(/[\r\n]/);
});
