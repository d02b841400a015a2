import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../src/connection/options.ts';
import { Connection } from '../../src/index.ts';

describe('connection options', () => {
  it('are localhost:9090 and 30 seconds unless set', () => {
    const settings = readSettings({});
    expect(settings.endpoint).toEqual({ host: 'localhost', port: 9090, tls: undefined });
    expect(settings.requestTimeoutMs).toBe(30_000);
    expect(settings.reconnect).toEqual({ minDelayMs: 100, maxDelayMs: 2_000 });
  });

  it('can be written as a URL', () => {
    const settings = readSettings('simplemq://us%40er:pass%3Aword@[::1]:1234');
    expect(settings.endpoint).toEqual({ host: '::1', port: 1234, tls: undefined });
    expect([settings.user, settings.password]).toEqual(['us@er', 'pass:word']);
  });

  it('speak TLS when the URL says so', () => {
    const { endpoint } = readSettings('simplemqs://localhost:1234');
    expect(endpoint).toEqual({ host: 'localhost', port: 1234, tls: {} });
  });

  it('are refused by name when they are wrong', () => {
    for (const [options, option] of [
      [{ port: 0 }, 'port'],
      [{ host: '' }, 'host'],
      [{ requestTimeoutMs: 1.5 }, 'requestTimeoutMs'],
      [{ reconnect: { minDelayMs: 5, maxDelayMs: 1 } }, 'reconnect.maxDelayMs'],
      [{ hots: 'x' }, 'hots'],
    ] as const) {
      const wrong = { code: 'InvalidOption', details: { option } };
      expect(() => new Connection(options as object)).toThrow(expect.objectContaining(wrong));
    }
  });

  it('never show the password', () => {
    const urls = ['http://u:geheim@host', 'simplemq://u:geheim@host:99999', 'simplemq://u:geheim@host/path'];
    for (const url of urls) {
      let error: unknown;
      try {
        new Connection(url);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({ code: 'InvalidOption' });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('geheim');
    }
    const connection = new Connection('simplemq://u:geheim@host:9090');
    expect(inspect(connection, { depth: 9, showHidden: true })).not.toContain('geheim');
    expect(JSON.stringify(connection)).not.toContain('geheim');
  });
});
