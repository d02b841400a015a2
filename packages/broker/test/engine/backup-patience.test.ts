import { expect, test } from 'vitest';
import { Backups } from '../../src/engine/backups.ts';
import type { StoreBackups } from '../../src/store/store.ts';

test('a backup with all the patience that there is goes on after its first piece', async () => {
  const piece = { data: new Uint8Array(64 * 1024), more: true };
  const store: StoreBackups = {
    begin: () => Promise.resolve(1024 * 1024),
    read: () => Promise.resolve(piece),
    end: () => Promise.resolve(),
  };
  const backup = await new Backups(store).begin({ pieceBytes: piece.data.length, patienceMs: 2 ** 31 - 1 });
  await backup.read();
  // A timer that is set for too long is over after a millisecond.
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await backup.read()).toBe(piece);
  await backup.end();
});
