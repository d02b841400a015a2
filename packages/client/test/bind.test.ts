import { describe, expect, it } from 'vitest';
import { Bind, BindType } from '../src/index.ts';

describe('Bind', () => {
  it('names one stream unless told otherwise', () => {
    expect(new Bind('orders').wire).toEqual({ stream: 'orders' });
  });

  it('is a pattern with BindType.Regex or a RegExp', () => {
    expect(new Bind('.+_world', BindType.Regex).wire).toEqual({ pattern: '.+_world' });
    expect(new Bind(/.+_world/).wire).toEqual({ pattern: '.+_world' });
  });

  it('keeps the flags of a RegExp that RE2 has, and drops those without meaning for a name', () => {
    expect(new Bind(/a/gims).wire).toEqual({ pattern: '(?ims)a' });
    expect(new Bind(/a/dgu).wire).toEqual({ pattern: 'a' });
  });

  it('writes Unicode escapes as RE2 does, and no others', () => {
    expect(new Bind(/\u00e9\u{1F600}\\u00e9/u).wire).toEqual({ pattern: '\\x{00e9}\\x{1F600}\\\\u00e9' });
  });

  it('refuses a sticky RegExp and a pattern that is too long as InvalidPattern', () => {
    expect(() => new Bind(/a/y)).toThrow(expect.objectContaining({ code: 'InvalidPattern' }));
    expect(() => new Bind('a'.repeat(1_025), BindType.Regex)).toThrow(
      expect.objectContaining({ code: 'InvalidPattern' }),
    );
  });

  it('refuses a name that breaks a rule as InvalidName', () => {
    for (const name of ['', 'a/../b', 'a\n', 'x'.repeat(256)]) {
      expect(() => new Bind(name)).toThrow(expect.objectContaining({ code: 'InvalidName' }));
    }
  });
});
