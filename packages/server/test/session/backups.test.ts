import {
  decodeBackupBegun,
  decodeBackupPiece,
  encodeBeginBackup,
  encodeEndBackup,
  encodeReadBackup,
  FEATURES,
  Opcode,
} from '@simplemq/protocol';
import { RawPeer, startTestBroker } from '@simplemq/testkit';
import { beforeEach, expect, test } from 'vitest';
import { FakeEngine } from '../fake-engine.ts';

let engine: FakeEngine;

beforeEach(() => {
  engine = new FakeEngine();
  engine.features = FEATURES;
});

async function begin(peer: RawPeer): Promise<number> {
  const { payload } = await peer.request(encodeBeginBackup(1), Opcode.BackupBegun);
  return decodeBackupBegun(payload).backup;
}

test('a backup is told piece by piece, and is over after the last', async () => {
  engine.pieces = [
    { data: Uint8Array.of(1, 2), more: true },
    { data: Uint8Array.of(3), more: false },
  ];
  await using broker = await startTestBroker({ engine });
  await using peer = await RawPeer.open(broker);
  const backup = await begin(peer);
  const pieces = [];
  for (let i = 0; i < 2; i++) {
    const { payload } = await peer.request(encodeReadBackup(2, { backup }), Opcode.BackupPiece);
    pieces.push(decodeBackupPiece(payload));
  }
  expect(pieces.map(({ data, more }) => [[...data], more])).toEqual([
    [[1, 2], true],
    [[3], false],
  ]);
  peer.send(encodeReadBackup(3, { backup }));
  expect(await peer.expectError()).toMatchObject({ code: 'BackupNotFound' });
});

test('pieces are such that each fits a frame', async () => {
  await using broker = await startTestBroker({
    engine,
    limits: { maxMessageBytes: '64KiB', maxFrameBytes: '128KiB' },
  });
  await using peer = await RawPeer.open(broker);
  await begin(peer);
  const [{ pieceBytes }] = engine.calls[0]!.given as [{ pieceBytes: number }];
  expect(pieceBytes).toBeGreaterThan(120 * 1024);
  expect(pieceBytes).toBeLessThan(128 * 1024 - 1024);
});

test('a backup ends when its client says so, and when its connection is gone', async () => {
  await using broker = await startTestBroker({ engine });
  const peer = await RawPeer.open(broker);
  const backup = await begin(peer);
  await peer.request(encodeEndBackup(2, { backup }), Opcode.BackupEnded);
  await peer.request(encodeEndBackup(3, { backup }), Opcode.BackupEnded);
  expect(engine.backupsEnded).toBe(1);
  await begin(peer);
  await peer.close();
  await engine.until(() => engine.backupsEnded === 2);
});

test('a backup of another connection is not found', async () => {
  await using broker = await startTestBroker({ engine });
  await using peer = await RawPeer.open(broker);
  const backup = await begin(peer);
  await using other = await RawPeer.open(broker);
  other.send(encodeReadBackup(1, { backup }));
  expect(await other.expectError()).toMatchObject({ code: 'BackupNotFound' });
});
