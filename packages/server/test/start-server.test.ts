import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { startServer } from '@simplemq/server';
import { RawPeer, startTestBroker, temporaryFolder } from '@simplemq/testkit';
import { expect, test } from 'vitest';
import { FakeEngine } from './fake-engine.ts';

const logs = { level: 'silent' } as const;
const hasIPv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

test('a port in use is one clear line, and nothing is touched', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'data');
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  await expect(startServer({ port, storage: { path }, logs })).rejects.toMatchObject({
    code: 'PortInUse',
    message: expect.stringMatching(new RegExp(`^port ${port} on localhost is in use;[^\n]*$`)),
  });
  expect(existsSync(path)).toBe(false);
  taken.close();
});

test('localhost is 127.0.0.1 and, where there is one, ::1, on the same port', async () => {
  await using broker = await startTestBroker({ engine: new FakeEngine() });
  const addresses = hasIPv6 ? ['127.0.0.1', '::1', 'localhost'] : ['127.0.0.1', 'localhost'];
  for (const host of addresses) {
    await using peer = await RawPeer.open({ host, port: broker.port });
    expect(peer.isClosed).toBe(false);
  }
});

test('a host beyond this machine needs allowRemote', async () => {
  await expect(startServer({ host: '0.0.0.0', port: 0, logs })).rejects.toMatchObject({
    code: 'HostNotLoopback',
    message: expect.stringContaining('allowRemote'),
  });
  await using broker = await startTestBroker({
    host: '0.0.0.0',
    allowRemote: true,
    engine: new FakeEngine(),
  });
  await using peer = await RawPeer.open({ port: broker.port });
  expect(peer.isClosed).toBe(false);
});

test('a host that does not resolve is one clear line', async () => {
  await expect(startServer({ host: 'nowhere.invalid', port: 0, logs })).rejects.toMatchObject({
    code: 'HostNotFound',
  });
});

test('an engine that cannot be opened leaves the port free', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'file');
  await writeFile(file, 'not a folder');
  await using probe = await startTestBroker({ engine: new FakeEngine() });
  const { port } = probe;
  await probe.close();
  await expect(startServer({ port, storage: { path: file }, logs })).rejects.toThrow();
  await using again = await startServer({ port, engine: new FakeEngine(), logs });
  expect(again.port).toBe(port);
});

test('a settings file is read, and options override it', async () => {
  await using folder = await temporaryFolder();
  const settingsFile = join(folder.path, 'settings.yaml');
  await writeFile(settingsFile, 'port: 1\nheartbeatMs: 1234\nlogs: { level: silent }\n');
  await using server = await startServer({ settingsFile, port: 0, engine: new FakeEngine() });
  await using peer = await RawPeer.connect(server);
  expect(await peer.hello()).toMatchObject({ heartbeatMs: 1234 });
});
