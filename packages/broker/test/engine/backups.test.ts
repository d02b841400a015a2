import { afterEach, expect, test, vi } from 'vitest';
import { Backups } from '../../src/engine/backups.ts';
import type { StoreBackups } from '../../src/store/store.ts';

const TIMEOUT_MS_MAX = 2 ** 31 - 1;
const GIB = 2 ** 30;

afterEach(() => void vi.useRealTimers());

/** A store of which a backup is so long that its pieces, of so many bytes, do not end. */
function storeOf(pieceBytes: number): StoreBackups & { readonly ended: number } {
  let ended = 0;
  return {
    begin: async () => 1e15,
    read: async () => ({ data: { length: pieceBytes } as Uint8Array<ArrayBuffer>, more: true }),
    end: async () => void ended++,
    get ended() {
      return ended;
    },
  };
}

test('a backup of more than 256 GiB goes on, until its client is too slow', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const store = storeOf(300 * GIB);
  const backup = await new Backups(store).begin({ pieceBytes: 256 * 1024, patienceMs: 30_000 });
  await backup.read();
  const allowedMs = 30_000 + (300 * GIB) / 128;
  await vi.advanceTimersByTimeAsync(allowedMs - 10);
  expect(store.ended).toBe(0);
  await vi.advanceTimersByTimeAsync(20);
  expect(store.ended).toBe(1);
  await expect(backup.read()).rejects.toMatchObject({ code: 'BackupNotFound' });
});

test('a client of a backup may be as late as the longest backupPatienceMs says', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const store = storeOf(256 * 1024);
  const backup = await new Backups(store).begin({ pieceBytes: 256 * 1024, patienceMs: TIMEOUT_MS_MAX });
  await backup.read();
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS_MAX);
  expect(store.ended).toBe(0);
  await backup.read();
  await vi.advanceTimersByTimeAsync(2 * 2_048 + 10);
  expect(store.ended).toBe(1);
});
