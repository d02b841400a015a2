import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Opcode } from '@simplemq/protocol';
import { describe, expect, it } from 'vitest';
import { Bind, Connection, Publisher, respond } from '../../src/index.ts';
import { FakeBroker } from '../fake-broker.ts';

function program(name: string, ...args: string[]) {
  const path = new URL(`../programs/${name}`, import.meta.url).pathname;
  const child = spawn(process.execPath, ['--conditions=@simplemq/source', path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { child, exited: once(child, 'exit') };
}

describe('a process', () => {
  it('that sends one message and awaits it ends by itself within a second of the confirm', async () => {
    await using broker = await FakeBroker.start();
    const { child, exited } = program('send-one.ts', String(broker.port), 'await');
    await once(child.stdout, 'data');
    const confirmedAt = performance.now();
    expect((await exited)[0]).toBe(0);
    expect(performance.now() - confirmedAt).toBeLessThan(1_000);
    expect(broker.leftOf('q')).toBe(1);
  });

  it('stays alive until what it sent and did not await is confirmed, over a reconnect', async () => {
    await using broker = await FakeBroker.start();
    let dropped = false;
    broker.intercept = ({ opcode }, peer) => {
      if (opcode !== Opcode.Publish || dropped) return false;
      dropped = true;
      peer.socket.destroy();
      return true;
    };
    const { exited } = program('send-one.ts', String(broker.port));
    expect((await exited)[0]).toBe(0);
    expect(dropped).toBe(true);
    expect(broker.leftOf('q')).toBe(1);
  });

  it('stays alive while it follows, and ends after it left the loop with its ack sent', async () => {
    await using broker = await FakeBroker.start();
    const { child, exited } = program('follow-one.ts', String(broker.port));
    await broker.until(() => broker.followers.size === 1);
    expect(child.exitCode).toBeNull();
    await using connection = new Connection({ port: broker.port });
    await new Publisher(connection, new Bind('q')).sendMessage('hello');
    expect(String((await once(child.stdout, 'data'))[0])).toBe('hello\n');
    expect((await exited)[0]).toBe(0);
    expect(broker.leftOf('q')).toBe(0);
  });

  it('stays alive until its request has a reply, and ends by itself then', async () => {
    await using broker = await FakeBroker.start({ features: ['ttl', 'transactions'] });
    broker.streams.set('sums', []);
    const { child, exited } = program('request-one.ts', String(broker.port));
    await broker.until(() => broker.leftOf('sums') === 1);
    expect(child.exitCode).toBeNull();
    await using connection = new Connection({ port: broker.port });
    await using _responder = respond<number>(connection, new Bind('sums'), ({ body }) => body + 1);
    expect(String((await once(child.stdout, 'data'))[0])).toBe('2\n');
    expect((await exited)[0]).toBe(0);
  });

  it('goes on when its responder cannot follow and nobody looks at why; close says it', async () => {
    await using broker = await FakeBroker.start();
    const { child, exited } = program('respond-nowhere.ts', String(broker.port));
    const told = once(child.stdout, 'data');
    expect((await exited)[0]).toBe(0);
    expect(String((await told)[0])).toBe('StreamNotFound\n');
  });
});
