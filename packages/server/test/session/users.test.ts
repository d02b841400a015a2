import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import {
  decodeStreamCreated,
  encodeCreateStream,
  encodeHello,
  encodeStreamInfo,
  HANDSHAKE_BYTES_MAX,
  Opcode,
  PROTOCOL_VERSION,
} from '@simplemq/protocol';
import { UserEditor } from '@simplemq/server';
import { RawPeer, startTestBroker, temporaryFolder } from '@simplemq/testkit';
import { expect, test } from 'vitest';
import { followFrame, publishFrame } from '../frames.ts';
import { UsersBroker } from '../users/users-broker.ts';

const ALL = { '.*': ['admin'] } as const;
const hello = (user: string, password: string) => ({
  version: PROTOCOL_VERSION,
  client: 'test',
  producer: randomBytes(16),
  features: [],
  user,
  password,
});

test('who comes without credentials, or with wrong ones, is closed with Unauthenticated', async () => {
  await using broker = await UsersBroker.start({ ann: ALL });
  for (const given of [{}, { user: 'ann' }, { password: 'secret' }, { user: 'ann', password: 'smq_wrong' }]) {
    await using peer = await RawPeer.connect(broker);
    await expect(peer.hello(given)).rejects.toMatchObject({ code: 'Unauthenticated' });
    await peer.closed;
  }
  await using peer = await broker.as('ann');
  expect(peer.isClosed).toBe(false);
});

test('requests right behind HELLO are carried out when the password turns out right, and not at all when wrong', async () => {
  await using broker = await UsersBroker.start({ ann: ALL });
  await broker.users.setPassword('ann', 'correct horse');
  await broker.broker.reload();
  const create = encodeCreateStream(2, { stream: 'orders', options: {} });
  await using wrong = await RawPeer.connect(broker);
  wrong.send(encodeHello(1, hello('ann', 'wrong horse')), create, encodeStreamInfo(3, { stream: 'orders' }));
  expect(await wrong.expectError()).toMatchObject({ code: 'Unauthenticated' });
  await wrong.closed;
  await using right = await RawPeer.connect(broker);
  right.send(
    encodeHello(1, hello('ann', 'correct horse')),
    create,
    encodeStreamInfo(3, { stream: 'orders' }),
  );
  await right.expect(Opcode.Welcome);
  const answers = [await right.next(), await right.next()].toSorted((a, b) => a.requestId - b.requestId);
  expect(answers.map(({ opcode }) => opcode)).toEqual([Opcode.StreamCreated, Opcode.StreamInfoReply]);
  // It is created now, and was not by the one before.
  expect(decodeStreamCreated(answers[0]!.payload)).toEqual({ created: true });
});

test('while a password is checked no more than 64 KiB is taken', async () => {
  await using broker = await UsersBroker.start({ ann: ALL });
  await broker.users.setPassword('ann', 'correct horse');
  await broker.broker.reload();
  await using peer = await RawPeer.connect(broker);
  const many = Buffer.concat(
    Array.from({ length: 3_000 }, (_, index) => encodeStreamInfo(index + 2, { stream: 'orders' })),
  );
  expect(many.length).toBeGreaterThan(HANDSHAKE_BYTES_MAX);
  peer.send(encodeHello(1, hello('ann', 'correct horse')), many);
  expect(await peer.expectError()).toMatchObject({
    code: 'ProtocolViolation',
    message: expect.stringContaining('before HELLO was answered'),
  });
  await peer.closed;
});

test('the limits of the handshake hold where there are users', async () => {
  await using broker = await UsersBroker.start({ ann: ALL }, { handshakeTimeoutMs: 50 });
  await using silent = await RawPeer.connect(broker);
  expect(await silent.expectError()).toMatchObject({ code: 'ProtocolViolation' });
  await silent.closed;
  await using early = await RawPeer.connect(broker);
  early.send(...publishFrame({ requestId: 1 }));
  expect(await early.expectError()).toMatchObject({ code: 'ProtocolViolation' });
  await early.closed;
});

test('the first user closes the door: who came before without being one is sent away', async () => {
  await using folder = await temporaryFolder();
  await using broker = await startTestBroker({ storage: { path: folder.path } });
  await using before = await RawPeer.open(broker);
  await new UserEditor(folder.path).add('ann');
  expect(await before.expectError()).toMatchObject({ code: 'Unauthenticated' });
  await before.closed;
  await using after = await RawPeer.connect(broker);
  await expect(after.hello()).rejects.toMatchObject({ code: 'Unauthenticated' });
});

test('a file of users that is lost or broken opens nothing, and is told of', async () => {
  await using broker = await UsersBroker.start({ ann: ALL });
  for (const spoil of [() => writeFile(broker.users.file, '{'), () => rm(broker.users.file)]) {
    await spoil();
    await broker.broker.reload();
    await using stranger = await RawPeer.connect(broker);
    await expect(stranger.hello()).rejects.toMatchObject({ code: 'Unauthenticated' });
    await using ann = await broker.as('ann');
    expect(ann.isClosed).toBe(false);
  }
  expect(broker.events('users.unreadable')).toHaveLength(2);
});

test('when the last user is removed nobody comes in', async () => {
  await using broker = await UsersBroker.start({ ann: ALL });
  await using ann = await broker.as('ann');
  await broker.users.remove('ann');
  await broker.broker.reload();
  await ann.closed;
  await using stranger = await RawPeer.connect(broker);
  await expect(stranger.hello()).rejects.toMatchObject({ code: 'Unauthenticated' });
});

test('a user who is removed, a password that is changed and a token that is removed close their connections', async () => {
  await using broker = await UsersBroker.start({ ann: ALL, bob: ALL, eve: ALL });
  await broker.users.setPassword('bob', 'correct horse');
  await broker.broker.reload();
  const open = await Promise.all([
    broker.as('ann'),
    RawPeer.open(broker, { user: 'bob', password: 'correct horse' }),
    broker.as('eve'),
  ]);
  await using untouched = await broker.as('bob');
  await broker.users.remove('ann');
  await broker.users.setPassword('bob', 'battery staple');
  await broker.users.removeToken('eve', 'test');
  await broker.broker.reload();
  for (const peer of open) {
    expect(await peer.expectError()).toMatchObject({ code: 'Unauthenticated' });
    await peer.closed;
  }
  // It came with a token, and that is still there.
  await untouched.request(encodeCreateStream(9, { stream: 'orders', options: {} }), Opcode.StreamCreated);
});

test('a right that is taken away is gone from open connections: they are told to connect again, and get no more', async () => {
  await using broker = await UsersBroker.start({ root: ALL, ann: { orders: ['publish', 'follow'] } });
  await using root = await broker.as('root');
  await root.request(encodeCreateStream(9, { stream: 'orders', options: {} }), Opcode.StreamCreated);
  await using ann = await broker.as('ann');
  await ann.request(followFrame(ann.nextRequestId()), Opcode.Following);
  await broker.users.revoke('ann', ['follow'], 'orders');
  await broker.broker.reload();
  await ann.expect(Opcode.Closing);
  await root.request(publishFrame({ requestId: 10 }), Opcode.Confirm);
  // Nothing is delivered, and nothing is taken, before it is closed.
  ann.send(...publishFrame({ requestId: 20 }));
  await expect(ann.next()).rejects.toThrow('closed');
  await using again = await broker.as('ann');
  again.send(followFrame(again.nextRequestId()));
  expect(await again.expectError()).toMatchObject({ code: 'Forbidden' });
  await again.request(publishFrame({ requestId: 20 }), Opcode.Confirm);
});

test('a token that comes to its end ends its connections', async () => {
  await using broker = await UsersBroker.start({ ann: ALL }, { heartbeatMs: 2_000 });
  const token = await broker.users.addToken('ann', 'short', new Date(Date.now() + 1_500));
  await broker.broker.reload();
  await using peer = await RawPeer.open(broker, { user: 'ann', password: token });
  expect(await peer.expectError()).toMatchObject({
    code: 'Unauthenticated',
    message: expect.stringContaining('end'),
  });
  await peer.closed;
});

test('the log tells who came and what changed by stable names, and no secret ever', async () => {
  await using broker = await UsersBroker.start({ ann: ALL });
  const secrets = ['correct horse', 'wrong horse battery', ...broker.tokens.values()];
  await broker.users.setPassword('ann', 'correct horse');
  await broker.users.add('bob', 'correct horse');
  await broker.broker.reload();
  await (await broker.as('ann')).close();
  await (await RawPeer.open(broker, { user: 'ann', password: 'correct horse' })).close();
  for (const given of [
    hello('ann', 'wrong horse battery'),
    hello('nobody', 'wrong horse battery'),
    { ...hello('ann', 'wrong horse battery'), version: 7 },
    { ...hello('ann', 'wrong horse battery'), features: ['teleport'] },
  ]) {
    await using peer = await RawPeer.connect(broker);
    await peer.hello(given).catch(() => undefined);
    await peer.closed;
  }
  // A HELLO that is broken off within its password.
  await using torn = await RawPeer.connect(broker);
  torn.send(encodeHello(1, hello('ann', 'wrong horse battery')).subarray(0, -4));
  await torn.close();
  await broker.users.remove('bob');
  await broker.broker.reload();
  await broker.broker.close();
  expect(broker.events('login.ok')).toMatchObject([
    { user: 'ann', token: 'test', address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
    { user: 'ann' },
  ]);
  expect(broker.events('login.failed')).toMatchObject([
    { user: 'ann', address: '127.0.0.1' },
    { user: 'nobody' },
  ]);
  expect(broker.events('user.changed')).toMatchObject([{ user: 'ann' }]);
  expect(broker.events('user.added')).toMatchObject([{ user: 'bob' }]);
  expect(broker.events('user.removed')).toMatchObject([{ user: 'bob' }]);
  const log = broker.logLines.join('\n');
  for (const secret of secrets) expect(log).not.toContain(secret);
  for (const user of JSON.parse(JSON.stringify(await broker.users.list()))) {
    expect(JSON.stringify(user)).not.toMatch(/[0-9a-f]{64}/);
  }
});
