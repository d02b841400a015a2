import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { RawPeer, startTestBroker, temporaryFolder } from '@simplemq/testkit';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { EngineLog } from '../../src/logs/engine-log.ts';
import { prettyLine } from '../../src/logs/pretty-lines.ts';
import { FakeEngine } from '../fake-engine.ts';

test('a folder gets JSON lines of what connected and why it went, and no secrets', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'logs');
  await using broker = await startTestBroker({ engine: new FakeEngine(), logs: { level: 'info', path } });
  const peer = await RawPeer.open(broker, { client: 'billing' });
  await peer.close();
  await using refused = await RawPeer.connect(broker);
  await expect(refused.hello({ user: 'ann', password: 'hunter2' })).rejects.toThrow();
  await refused.closed;
  await broker.close();

  const [file] = await readdir(path);
  const text = await readFile(join(path, file!), 'utf8');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  // When the refused connection was gone for its client it was not yet for the server.
  const expected = ['server started', 'connection opened', 'connection closed', 'connection refused'];
  expect(new Set(lines.map(({ msg }) => msg))).toEqual(
    new Set([...expected, 'server closing', 'server closed']),
  );
  expect(lines[2]).toMatchObject({
    client: 'billing',
    reason: 'closed by the client',
    bytesRead: expect.any(Number),
  });
  expect(text).not.toContain('hunter2');
});

test('a log folder that cannot be written is one clear line', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'file');
  await writeFile(path, '');
  const started = startTestBroker({ engine: new FakeEngine(), logs: { level: 'info', path } });
  await expect(started).rejects.toMatchObject({
    code: 'LogsNotWritable',
    message: expect.stringContaining(path),
  });
});

/** A log of the engine's, and the lines that it has written. */
function engineLog(): { log: EngineLog; lines: object[] } {
  const lines: object[] = [];
  const sink = new Writable({
    write(line, _encoding, done) {
      lines.push(JSON.parse(String(line)));
      done();
    },
  });
  return { log: new EngineLog(pino({ base: null, timestamp: false }, sink)), lines };
}

test('redeliveries are added up by stream, group and cause', () => {
  const { log, lines } = engineLog();
  const event = {
    type: 'redelivered',
    stream: 'orders',
    group: 'workers',
    messages: 2,
    cause: 'nack',
  } as const;
  log.onEvent(event);
  log.onEvent({ ...event, messages: 40 });
  log.onEvent({ ...event, cause: 'expired' });
  expect(lines).toEqual([]);
  log.flush();
  expect(lines).toMatchObject([
    { stream: 'orders', group: 'workers', cause: 'nack', messages: 42 },
    { cause: 'expired', messages: 2 },
  ]);
});

test('dead letters and expired messages are added up too, each by themselves', () => {
  const { log, lines } = engineLog();
  const where = { stream: 'orders', group: 'workers' };
  for (const type of ['deadLettered', 'expired', 'deadLettered'] as const) {
    log.onEvent({ type, ...where, messages: 5 });
  }
  expect(lines).toEqual([]);
  log.flush();
  expect(lines).toMatchObject([
    { ...where, messages: 10, msg: expect.stringContaining('dead letters') },
    { ...where, messages: 5, msg: expect.stringContaining('expired') },
  ]);
});

test('other events are a line each, named by their type', () => {
  const { log, lines } = engineLog();
  log.onEvent({ type: 'streamPurged', stream: 'orders', messages: 3 });
  log.onEvent({ type: 'groupCreated', stream: 'orders', group: 'billing' });
  expect(lines).toMatchObject([
    { level: 30, stream: 'orders', messages: 3, msg: 'stream purged' },
    { level: 30, stream: 'orders', group: 'billing', msg: 'group created' },
  ]);
});

test('damage is an error that says which messages and where, and a journal that ended in a torn commit a warning', () => {
  const { log, lines } = engineLog();
  const damage = { stream: 'orders', lane: 0, first: 3, last: 9, messages: 7, why: 'it does not match' };
  log.onEvent({ type: 'damaged', ...damage, segment: 2, position: 36 });
  log.onEvent({ type: 'journalTorn', segment: 2, position: 99, batches: [] });
  expect(lines).toMatchObject([
    { level: 50, ...damage, segment: 2, position: 36, msg: expect.stringContaining('damaged') },
    { level: 40, segment: 2, position: 99, msg: expect.stringContaining('not whole') },
  ]);
});

test('a line for people shows time, level, message and fields, and no control sequences of a client', () => {
  const json = JSON.stringify({
    level: 30,
    time: '2026-01-02T03:04:05.678Z',
    client: 'evil\x1b[2J\u202e',
    connection: 7,
    err: { message: 'it broke' },
    msg: 'connection opened',
  });
  expect(prettyLine(json, false)).toBe(
    '03:04:05.678 info  connection opened client="evil\\u001b[2J\\u202e" connection=7 error="it broke"\n',
  );
});
