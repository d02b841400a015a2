import { expect, it } from 'vitest';
import { Connection } from '../../src/index.ts';
import { FakeBroker } from '../fake-broker.ts';

const FEATURES = ['backup', 'health', 'reload'];

it('a backup is its pieces in order, to the last', async () => {
  await using broker = await FakeBroker.start({ features: FEATURES });
  await using connection = new Connection({ port: broker.port });
  broker.management.pieces = ['one', 'two', 'three'].map((text) => Buffer.from(text));
  const backup = await connection.cursor().backup();
  expect(backup.bytes).toBe(9);
  const pieces = [];
  for await (const piece of backup) pieces.push(Buffer.from(piece).toString());
  expect(pieces).toEqual(['one', 'two', 'three']);
  expect(broker.management.backupsEnded).toBe(0);
});

it('a backup that is left before its end is ended', async () => {
  await using broker = await FakeBroker.start({ features: FEATURES });
  await using connection = new Connection({ port: broker.port });
  broker.management.pieces = ['one', 'two', 'three'].map((text) => Buffer.from(text));
  for await (const _ of await connection.cursor().backup()) break;
  expect(broker.management.backupsEnded).toBe(1);
});

it('health tells whether the broker is ready, and takes a state that it does not know as not ready', async () => {
  await using broker = await FakeBroker.start({ features: FEATURES });
  await using connection = new Connection({ port: broker.port });
  const cursor = connection.cursor();
  const upSince = new Date(1_700_000_000_000);
  expect(await cursor.health()).toEqual({ server: 'fake/1', upSince, ready: true, state: 'ready' });
  broker.management.health = { state: 'onHoliday', reason: 'it is August' };
  expect(await cursor.health()).toMatchObject({ ready: false, state: 'onHoliday', reason: 'it is August' });
});

it('reload tells what changed and what needs a restart', async () => {
  await using broker = await FakeBroker.start({ features: FEATURES });
  await using connection = new Connection({ port: broker.port });
  expect(await connection.cursor().reload()).toEqual({ changed: ['logs.level'], needRestart: ['port'] });
});

it('a broker that lacks one of them is told of, and the connection stays', async () => {
  await using broker = await FakeBroker.start({ features: [] });
  await using connection = new Connection({ port: broker.port });
  const cursor = connection.cursor();
  for (const ask of [() => cursor.backup(), () => cursor.health(), () => cursor.reload()]) {
    await expect(ask()).rejects.toMatchObject({ code: 'Unsupported' });
  }
  expect(connection.connected).toBe(true);
});
