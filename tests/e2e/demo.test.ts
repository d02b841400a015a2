import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@simplemq/testkit';
import { expect, test, vi } from 'vitest';
import { Program } from './program.ts';

// Each runs several processes, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 });

test('the demo sends a file through a killed broker, loses nothing, and leaves nothing behind', async () => {
  await using input = await temporaryFolder();
  await using scratch = await temporaryFolder();
  const file = join(input.path, 'three lines.txt');
  await writeFile(file, 'one\n\nthree: äöü €\n');
  await using demo = new Program('demo/main.ts', ['--seconds', '1', file], { TMPDIR: scratch.path });

  expect(await demo.ended).toEqual({ code: 0, signal: null });
  expect(demo.errors).toBe('');
  expect(demo.output).toMatch(/killed the broker with SIGKILL/);
  expect(demo.output).toMatch(/started it again .* recovered in [\d,]+ ms/);
  expect(demo.output).toMatch(/all clients are back/);
  const [workers, follower] = tallyRow(demo, 'published');
  expect(workers).toBeGreaterThan(0);
  expect(workers! % 3).toBe(0);
  expect(follower).toBe(workers);
  expect(tallyRow(demo, 'acked')).toEqual([workers, workers]);
  expect(tallyRow(demo, 'left pending')).toEqual([0, 0]);
  expect(tallyRow(demo, 'lost')).toEqual([0, 0]);
  expect(tallyRow(demo, 'delivered')[0]).toBeGreaterThanOrEqual(workers!);
  expect(await readdir(scratch.path)).toEqual([]);
});

test('an interrupted demo ends its processes and removes its folder', async () => {
  await using scratch = await temporaryFolder();
  await using demo = new Program('demo/main.ts', ['--seconds', '60'], { TMPDIR: scratch.path });
  await demo.printed(/started \d clients/);
  demo.kill('SIGINT');
  expect(await demo.ended).toEqual({ code: 130, signal: null });
  expect(await readdir(scratch.path)).toEqual([]);
});

test('a file that is not there is one clear line, and exit code 2', async () => {
  await using demo = new Program('demo/main.ts', ['no-such-file.txt']);
  expect((await demo.ended).code).toBe(2);
  expect(demo.errors).toMatch(/^demo: no-such-file\.txt cannot be read: .*no such file.*\n$/);
  expect(demo.output).toBe('');
});

test('an option that does not exist is one clear line, and exit code 2', async () => {
  await using demo = new Program('demo/main.ts', ['--fast']);
  expect((await demo.ended).code).toBe(2);
  expect(demo.errors).toMatch(/^demo: .*--fast.*\n$/);
});

test('--help says what it does and how to call it', async () => {
  await using demo = new Program('demo/main.ts', ['--help']);
  expect((await demo.ended).code).toBe(0);
  expect(demo.output).toContain('npm run demo -- --seconds 30 /var/log/syslog');
});

/** The numbers of a row of the tally: for the workers, and for the follower. */
function tallyRow(demo: Program, name: string): number[] {
  const tally = demo.lines.slice(demo.lines.findIndex((line) => line.startsWith('tally')));
  const row = tally.find((line) => line.startsWith(name))!;
  const cells = row
    .slice(name.length)
    .match(/[\d,]+/g)!
    .slice(0, 2);
  return cells.map((cell) => Number(cell.replaceAll(',', '')));
}
