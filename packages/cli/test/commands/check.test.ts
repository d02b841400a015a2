import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Bind, Connection, Publisher } from '@simplemq/client';
import { copyDataFolder, startTestBroker, temporaryFolder } from '@simplemq/testkit';
import { expect, test } from 'vitest';
import { simplemq } from '../simplemq.ts';

test('check --help says what it does, with an example and --json', async () => {
  const { code, stdout } = await simplemq(['check', '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ {2}\$ .*simplemq check --data/m);
  expect(stdout).toMatch(/^ {2}--json /m);
  expect(stdout).toMatch(/^ {2}--data <folder> /m);
});

test('check finds nothing in a folder that is whole, stopped or killed, and changes nothing in it', async () => {
  await using folder = await temporaryFolder();
  await using killed = await temporaryFolder();
  await makeData(folder.path, killed.path);
  for (const { path } of [folder, killed]) {
    const before = fingerprint(path);
    const { code, stdout, stderr } = await simplemq(['check', '--data', path]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/nothing is damaged.*: \d+ records of the journal, 3 messages in 3 batches\n$/);
    expect(fingerprint(path)).toEqual(before);
  }
});

test('check tells which messages are damaged and where, ends with 1, and changes nothing', async () => {
  await using folder = await temporaryFolder();
  await using killed = await temporaryFolder();
  await makeData(folder.path, killed.path);
  for (const { path } of [folder, killed]) {
    harm(path);
    const before = fingerprint(path);
    const { code, stdout, stderr } = await simplemq(['check', '--data', path, '--json']);
    expect(code).toBe(1);
    expect(stderr).toContain(`in '${path}' is damaged`);
    const { findings } = JSON.parse(stdout);
    expect(findings).toMatchObject([
      { stream: 'orders', lane: 0, first: 2, last: 2, messages: 1, byte: expect.any(Number) },
    ]);
    expect(findings[0].file).toMatch(/simplemq\.journal-\d+$/);
    expect(findings[0].why).toContain('does not match its checksum');
    const shown = await simplemq(['check', '--data', path]);
    expect(shown.code).toBe(1);
    expect(shown.stdout).toMatch(/^STREAM +LANE +SEQUENCES +MESSAGES +FILE +BYTE +WHY\norders +0 +2 +1 /);
    expect(fingerprint(path)).toEqual(before);
  }
});

test('check tells what a broker has set aside', async () => {
  await using folder = await temporaryFolder();
  await using killed = await temporaryFolder();
  await makeData(folder.path, killed.path);
  harm(folder.path);
  await using broker = await startTestBroker({ storage: { path: folder.path } });
  await using connection = new Connection({ port: broker.port });
  const cursor = connection.cursor();
  const bodies: unknown[] = [];
  for await (const { body } of cursor.browse('orders')) bodies.push(body);
  expect(bodies).toEqual(['one', 'three']);
  const busy = await simplemq(['check', '--data', folder.path]);
  expect(busy).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is in use by a broker: stop it first'),
  });
  await connection.close();
  await broker.close();
  const { code, stdout } = await simplemq(['check', '--data', folder.path, '--json']);
  expect(code).toBe(1);
  expect(JSON.parse(stdout).findings).toMatchObject([
    { stream: 'orders', first: 2, last: 2, setAsideAt: expect.any(Number) },
  ]);
});

test('of a segment that is missing, the messages of a stream that follow one another are one row', async () => {
  await using folder = await temporaryFolder();
  await using killed = await temporaryFolder();
  await makeData(folder.path, killed.path, async (connection) => {
    await connection.cursor().createStream('invoices');
    // In turns, so that neither stream's messages lie next to one another.
    const streams = ['orders', 'invoices'].map((name) => new Publisher(connection, new Bind(name)));
    for (let number = 1; number <= 100; number++)
      for (const stream of streams) await stream.sendMessage(number);
    for (const priority of ['high', 'normal', 'high', 'normal'] as const)
      await streams[1]!.sendMessage('by priority', { priority });
  });
  for (const name of readdirSync(folder.path).filter((file) => file.startsWith('simplemq.journal-')))
    rmSync(join(folder.path, name));
  const { code, stdout } = await simplemq(['check', '--data', folder.path, '--json']);
  expect(code).toBe(1);
  const { findings, messages } = JSON.parse(stdout);
  expect(messages).toBe(3 + 2 * 100 + 4);
  expect(findings.filter(({ stream }: { stream?: string }) => stream !== undefined)).toMatchObject([
    {
      stream: 'orders',
      first: 1,
      last: 103,
      messages: 103,
      why: expect.stringMatching(/^segment \d+ .*missing$/),
    },
    { stream: 'invoices', first: 1, last: 104, messages: 102 },
    { stream: 'invoices', first: 101, last: 103, messages: 2 },
  ]);
  const shown = await simplemq(['check', '--data', folder.path]);
  expect(shown.stdout).toMatch(/^orders +0 +1 to 103 +103 /m);
  expect(shown.stdout.split('\n').length).toBeLessThan(10);
});

test('check of a folder without data is one line', async () => {
  await using folder = await temporaryFolder();
  const { code, stderr } = await simplemq(['check', '--data', folder.path]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/there is no broker's data in/);
  expect(readdirSync(folder.path)).toEqual([]);
});

async function makeData(
  path: string,
  killed: string,
  more: (connection: Connection) => Promise<void> = async () => {},
): Promise<void> {
  await using broker = await startTestBroker({ storage: { path } });
  await using connection = new Connection({ port: broker.port });
  await connection.cursor().createStream('orders');
  const publisher = new Publisher<string>(connection, new Bind('orders'));
  for (const body of ['one', 'two, to be harmed', 'three']) await publisher.sendMessage(body);
  await more(connection);
  copyDataFolder(path, killed);
}

function harm(path: string): void {
  const file = join(path, readdirSync(path).find((name) => name.startsWith('simplemq.journal-'))!);
  const bytes = readFileSync(file);
  bytes[bytes.indexOf('two, to be harmed')]! ^= 0x20;
  writeFileSync(file, bytes);
}

/** Every file of the folder and what is in it. */
function fingerprint(folder: string): Record<string, string> {
  const hash = (name: string) =>
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex');
  return Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, hash(name)]),
  );
}
