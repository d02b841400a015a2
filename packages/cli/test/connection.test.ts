import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { startTestBroker } from '@simplemq/testkit';
import { expect, test } from 'vitest';
import { simplemq } from './simplemq.ts';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test.each(['streams', 'publish', 'follow'])(
  '%s without a broker says so at once, in one line',
  async (command) => {
    const port = await freePort();
    const args = command === 'streams' ? [command] : [command, 'orders'];
    const outcome = await simplemq([...args, '--port', String(port)], { input: 'hello\n' });
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toBe(
      `simplemq: could not connect to localhost:${port}: connection refused; ` +
        "is the broker running? (start it with 'simplemq serve')\n",
    );
  },
);

test('a host that does not exist is named', async () => {
  const { code, stderr } = await simplemq(['streams', '--host', 'nowhere.invalid']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^simplemq: could not connect to nowhere\.invalid:9090: .*host.*\n$/);
});

test('host and port come from SIMPLEMQ_HOST and SIMPLEMQ_PORT, and flags override them', async () => {
  await using broker = await startTestBroker();
  const env = { SIMPLEMQ_HOST: '127.0.0.1', SIMPLEMQ_PORT: String(broker.port) };
  expect(await simplemq(['streams', '--json'], { env })).toMatchObject({ code: 0, stdout: '[]\n' });
  const port = await freePort();
  expect(await simplemq(['streams', '--port', String(port)], { env })).toMatchObject({ code: 1 });
});

test('--user takes its password from SIMPLEMQ_PASSWORD, and never hangs without a terminal', async () => {
  await using broker = await startTestBroker();
  const args = ['streams', '--port', String(broker.port), '--user', 'ann'];
  const missing = await simplemq(args);
  expect(missing).toMatchObject({ code: 1, stdout: '' });
  expect(missing.stderr).toBe('simplemq: the password of ann is missing; set SIMPLEMQ_PASSWORD\n');
  // This broker has no users yet; that it says so shows that they reached it.
  const sent = await simplemq(args, { env: { SIMPLEMQ_PASSWORD: 'secret' } });
  expect(sent.code).toBe(1);
  expect(sent.stderr).toMatch(/^simplemq: Unsupported: .*users.*\n$/);
  expect(sent.stderr).not.toContain('secret');
});
