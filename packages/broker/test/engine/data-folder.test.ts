import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@simplemq/testkit';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { openEngine } from '../../src/engine/open-engine.ts';
import { batchOf } from '../batches.ts';
import { openTestEngine } from '../test-engine.ts';

describe('a data folder that cannot be used is refused with one line, and left as it is', () => {
  test('in use by another broker', async () => {
    await using broker = await openTestEngine('file');
    await broker.engine.createStream('s', {});
    await expect(openEngine({ storage: { path: broker.path } })).rejects.toMatchObject({
      code: 'StorageFailed',
      message: expect.stringMatching(/^the data folder '.*' is in use by another broker.*$/),
    });
    // The first one goes on.
    expect(await broker.engine.createStream('t', {})).toBe(true);
  });

  test('a database of a newer version', async () => {
    await using folder = await temporaryFolder();
    await (await openEngine({ storage: folder })).close();
    const file = join(folder.path, 'simplemq.db');
    const database = new Database(file);
    database.pragma('user_version = 99');
    database.close();
    const before = fingerprint(folder.path);
    await expect(openEngine({ storage: folder })).rejects.toMatchObject({
      code: 'StorageFailed',
      message: expect.stringMatching(/^the database '.*' has version 99, and this SimpleMQ knows .*$/),
    });
    expect(fingerprint(folder.path)).toEqual(before);
  });

  test("another program's database", async () => {
    await using folder = await temporaryFolder();
    const database = new Database(join(folder.path, 'simplemq.db'));
    database.exec('CREATE TABLE theirs (a); PRAGMA application_id = 7; PRAGMA user_version = 1');
    database.close();
    const before = fingerprint(folder.path);
    await expect(openEngine({ storage: folder })).rejects.toMatchObject({
      code: 'StorageFailed',
      message: expect.stringMatching(/is not a database of SimpleMQ$/),
    });
    expect(fingerprint(folder.path)).toEqual(before);
  });

  test.each([
    ['a long text', 'not a database\n'.repeat(1_000)],
    ['a short text', 'hello'],
  ])('a file that is not a database: %s', async (_, text) => {
    await using folder = await temporaryFolder();
    writeFileSync(join(folder.path, 'simplemq.db'), text);
    const before = fingerprint(folder.path);
    await expect(openEngine({ storage: folder })).rejects.toMatchObject({ code: 'StorageFailed' });
    expect(fingerprint(folder.path)).toEqual(before);
  });

  test('a file where the folder should be', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'data');
    writeFileSync(path, 'a file');
    await expect(openEngine({ storage: { path } })).rejects.toMatchObject({
      code: 'StorageFailed',
      message: expect.stringMatching(/^the data folder '.*' cannot be made: .*$/),
    });
    expect(readFileSync(path, 'utf8')).toBe('a file');
  });

  test('a folder that is not writable', async () => {
    await using folder = await temporaryFolder();
    const isSuperuser = process.getuid?.() === 0;
    // The superuser may write anywhere but where the system makes the files.
    const path = isSuperuser ? '/sys/simplemq' : join(folder.path, 'data');
    if (!isSuperuser) {
      mkdirSync(path);
      chmodSync(path, 0o555);
    }
    await expect(openEngine({ storage: { path } })).rejects.toMatchObject({
      code: 'StorageFailed',
      message: expect.stringContaining(path),
    });
    if (!isSuperuser) chmodSync(path, 0o755);
  });
});

describe.skipIf(process.platform === 'win32')('what a broker makes is for its own user alone', () => {
  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

  test('the folder, the database, its log and the journal', async () => {
    await using folder = await temporaryFolder();
    const parent = join(folder.path, 'parent');
    const path = join(parent, 'data');
    const engine = await openEngine({ storage: { path } });
    await engine.createStream('s', {});
    await engine.publish({ bind: { stream: 's' }, batch: batchOf('secret') });
    const files = readdirSync(path);
    expect(files).toEqual(expect.arrayContaining(['simplemq.db', 'simplemq.db-wal']));
    expect(files.length).toBeGreaterThan(2);
    expect(files.map((file) => `${file} ${modeOf(join(path, file))}`)).toEqual(
      files.map((file) => `${file} 600`),
    );
    expect(modeOf(path)).toBe('700');
    // Those above it are as any other folder.
    mkdirSync(join(folder.path, 'other'));
    expect(modeOf(parent)).toBe(modeOf(join(folder.path, 'other')));
    await engine.close();
  });

  test('and not what was there before', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'data');
    const database = join(path, 'simplemq.db');
    mkdirSync(path);
    writeFileSync(database, '');
    chmodSync(path, 0o750);
    chmodSync(database, 0o640);
    await (await openEngine({ storage: { path } })).close();
    expect([modeOf(path), modeOf(database)]).toEqual(['750', '640']);
  });
});

/** Every file of the folder and what is in it. */
function fingerprint(folder: string): Record<string, string> {
  const files = readdirSync(folder).sort();
  return Object.fromEntries(
    files.map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(folder, file)))
        .digest('hex'),
    ]),
  );
}
