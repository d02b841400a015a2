import { setTimeout as sleep } from 'node:timers/promises';
import { Bind, BindType, Connection, Follower, Publisher } from '@simplemq/client';
import { UserEditor } from '@simplemq/server';
import {
  FaultyProxy,
  spawnBroker,
  startTestBroker,
  type TestBroker,
  temporaryFolder,
} from '@simplemq/testkit';
import { expect, test } from 'vitest';

/** Users over real sockets, by the SDK. */
interface Site extends AsyncDisposable {
  readonly broker: TestBroker;
  readonly users: UserEditor;
  /** A connection of a user, by a token. */
  connect(user: string, port?: number): Connection;
}

async function openSite(
  grants: Readonly<Record<string, readonly [string, 'publish' | 'follow' | 'admin'][]>>,
): Promise<Site> {
  const folder = await temporaryFolder();
  const users = new UserEditor(folder.path);
  const tokens = new Map<string, string>();
  for (const [name, given] of Object.entries(grants)) {
    await users.add(name);
    for (const [pattern, right] of given) await users.grant(name, [right], pattern);
    tokens.set(name, await users.addToken(name, 'test', undefined));
  }
  const broker = await startTestBroker({ storage: { path: folder.path } });
  const connections: Connection[] = [];
  return {
    broker,
    users,
    connect: (user, port = broker.port) => {
      const connection = new Connection({ host: '127.0.0.1', port, user, password: tokens.get(user)! });
      connections.push(connection);
      return connection;
    },
    [Symbol.asyncDispose]: async () => {
      for (const connection of connections) await connection.close();
      await broker[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('a right that is taken away ends its follower, and one that is given reaches followers that are at work', async () => {
  await using site = await openSite({
    root: [['.*', 'admin']],
    ann: [
      ['a', 'follow'],
      ['b', 'follow'],
    ],
  });
  const root = site.connect('root');
  for (const stream of ['a', 'b', 'c']) await root.cursor().createStream(stream, { retention: 'log' });
  const ann = site.connect('ann');
  const onlyA = new Follower<string>(ann, new Bind('a')).getMessages();
  const all = new Follower<string>(ann, new Bind('.*', BindType.Regex), { group: 'all' }).getMessages();
  const send = (stream: string) => new Publisher<string>(root, new Bind(stream)).sendMessage(`to ${stream}`);
  await send('a');
  const first = await onlyA.next();
  await first.value?.ack();
  await (await all.next()).value?.ack();
  await site.users.revoke('ann', ['follow'], 'a');
  await site.users.grant('ann', ['follow'], 'c');
  await site.broker.reload();
  await expect(onlyA.next()).rejects.toMatchObject({ code: 'Forbidden' });
  await send('a');
  await send('c');
  const { value } = await all.next();
  expect(value?.body).toBe('to c');
  await value?.ack();
  await all.return?.(undefined);
});

test('publishes that are under way when rights change are stored once, or fail with Forbidden', async () => {
  await using site = await openSite({ root: [['.*', 'admin']], ann: [['orders', 'publish']] });
  const root = site.connect('root');
  await root.cursor().createStream('orders', { retention: 'log' });
  const ann = site.connect('ann');
  const publisher = new Publisher<number>(ann, new Bind('orders'));
  let sent = 0;
  const outcomes: Promise<'stored' | string>[] = [];
  const one = () => {
    const number = sent++;
    return publisher.sendMessage(number).then(
      () => 'stored',
      (error: { code: string }) => error.code,
    );
  };
  await publisher.sendMessage(-1);
  // Another grant, so that the connection is opened anew; then none.
  for (const change of [
    () => site.users.grant('ann', ['follow'], 'others'),
    () => site.users.revoke('ann', ['publish'], 'orders'),
  ]) {
    await change();
    const reloaded = site.broker.reload();
    for (let i = 0; i < 200; i++) {
      outcomes.push(one());
      if (i % 20 === 0) await sleep(1);
    }
    await reloaded;
  }
  const settled = await Promise.all(outcomes);
  expect(new Set(settled)).toEqual(new Set(['stored', 'Forbidden']));
  const stored: number[] = [];
  for await (const message of root.cursor().browse('orders')) stored.push(message.body as number);
  const confirmed = settled.flatMap((outcome, number) => (outcome === 'stored' ? [number] : []));
  expect(stored).toEqual([-1, ...confirmed]);
});

test('users are there after a kill, and a change that was made while the broker was down too', async () => {
  await using broker = await spawnBroker();
  const users = new UserEditor(broker.path);
  await users.add('ann');
  await users.grant('ann', ['admin'], '.*');
  const token = await users.addToken('ann', 'test', undefined);
  const use = async (password: string) => {
    await using connection = new Connection({ port: broker.port, user: 'ann', password, reconnect: false });
    return (await connection.cursor().listStreams()).length;
  };
  // It looks at its users by itself.
  await expect.poll(() => use(token).catch(() => undefined), { timeout: 10_000 }).toBe(0);
  await broker.restart('SIGKILL');
  expect(await use(token)).toBe(0);
  await broker.kill();
  await users.removeToken('ann', 'test');
  await broker.start();
  await expect(use(token)).rejects.toMatchObject({ code: 'Unauthenticated' });
});

test('a user comes back by itself after a network failure', async () => {
  await using site = await openSite({ root: [['.*', 'admin']] });
  await using proxy = await FaultyProxy.start(site.broker);
  const root = site.connect('root', proxy.port);
  await root.cursor().createStream('orders');
  const publisher = new Publisher<number>(root, new Bind('orders'));
  await publisher.sendMessage(1);
  proxy.cut();
  await publisher.sendMessage(2);
  expect((await root.cursor().streamInfo('orders')).messages).toBe(2);
});
