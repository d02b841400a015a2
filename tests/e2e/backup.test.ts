import { readdirSync } from 'node:fs';
import { open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { restoreBackup } from '@simplemq/broker';
import { Bind, Connection, type Cursor, Follower, Publisher } from '@simplemq/client';
import { encodeBeginBackup, Opcode } from '@simplemq/protocol';
import { RawPeer, startTestBroker, temporaryFolder } from '@simplemq/testkit';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';

/** Publishes one number after the other, and knows which of them are confirmed. */
class Numbers {
  confirmed = 0;
  sent = 0;
  readonly #publisher: Publisher<string>;
  #isOn = true;

  constructor(connection: Connection, stream: string) {
    this.#publisher = new Publisher(connection, new Bind(stream));
  }

  /** A few at a time, until `stop`. */
  async run(): Promise<void> {
    while (this.#isOn) {
      const numbers = Array.from({ length: 20 }, () => ++this.sent);
      await Promise.all(numbers.map((n) => this.#publisher.sendMessage(bodyOf(n))));
      this.confirmed = this.sent;
    }
  }

  stop(): void {
    this.#isOn = false;
  }

  async until(confirmed: number): Promise<void> {
    while (this.confirmed < confirmed) await new Promise(setImmediate);
  }
}

/** Long enough for the journal to have several segments' worth of pieces, and checked on the way back. */
function bodyOf(n: number): string {
  return `${n}:${'x'.repeat(2_000 + (n % 7) * 500)}`;
}

function numberOf(body: string): number {
  const n = Number(body.slice(0, body.indexOf(':')));
  expect(body).toBe(bodyOf(n));
  return n;
}

/** Takes and acks until `stop`; knows which acks were answered. */
class Acker {
  readonly acked: number[] = [];
  readonly #stop = new AbortController();
  readonly #follower: Follower<string>;

  constructor(connection: Connection, stream: string) {
    this.#follower = new Follower(connection, new Bind(stream));
  }

  async run(): Promise<void> {
    for await (const message of this.#follower.getMessages({ signal: this.#stop.signal })) {
      await message.ack();
      this.acked.push(numberOf(message.body));
    }
  }

  stop(): void {
    this.#stop.abort();
  }
}

async function saveBackup(cursor: Cursor, file: string): Promise<void> {
  const handle = await open(file, 'w');
  for await (const piece of await cursor.backup()) await handle.write(piece);
  await handle.close();
}

async function connect({ port }: { readonly port: number }): Promise<Connection> {
  return new Connection({ port, reconnect: false });
}

test('a backup under load has all that was confirmed before it, and what is restored goes on', async () => {
  await using folder = await temporaryFolder();
  await using broker = await startTestBroker();
  await using connection = await connect(broker);
  const cursor = connection.cursor();
  await cursor.createStream('kept', { retention: 'log' });
  await cursor.createStream('worked');
  const kept = new Numbers(connection, 'kept');
  const worked = new Numbers(connection, 'worked');
  const acker = new Acker(connection, 'worked');
  const load = [kept.run(), worked.run(), acker.run()];

  const backups = [];
  for (let round = 1; round <= 2; round++) {
    await Promise.all([kept.until(round * 200), worked.until(round * 200)]);
    const before = { kept: kept.confirmed, worked: worked.confirmed, acked: [...acker.acked] };
    const file = join(folder.path, `${round}.backup`);
    await saveBackup(cursor, file);
    backups.push({ file, before, data: join(folder.path, `data-${round}`) });
  }
  for (const part of [kept, worked, acker]) part.stop();
  await Promise.all(load);

  for (const { file, before, data } of backups) {
    await restoreBackup({ file, folder: data });
    for (let start = 1; start <= 2; start++) {
      await using restored = await startTestBroker({ storage: { path: data } });
      await using again = await connect(restored);
      const messages = [];
      for await (const { sequence, body } of again.cursor().browse<string>('kept')) {
        expect(numberOf(body)).toBe(sequence);
        messages.push(sequence);
      }
      // A prefix of what was published, and at least what was confirmed.
      expect(messages).toEqual(messages.map((_, i) => i + 1));
      expect(messages.length).toBeGreaterThanOrEqual(before.kept);
      if (start === 1) continue;
      const left = await drain(again, 'worked');
      expect(new Set(left).size).toBe(left.length);
      const wasAcked = new Set(before.acked);
      expect(left.filter((n) => wasAcked.has(n))).toEqual([]);
      const isDone = new Set([...left, ...acker.acked]);
      for (let n = 1; n <= before.worked; n++) expect(isDone.has(n)).toBe(true);
      const { nextSequence } = await again.cursor().streamInfo('worked');
      expect(nextSequence).toBeGreaterThan(before.worked);
      await new Publisher(again, new Bind('worked')).sendMessage(bodyOf(nextSequence));
      expect(await drain(again, 'worked')).toEqual([nextSequence]);
    }
  }
});

/** All that a work queue still has. What it has not was acked. */
async function drain(connection: Connection, stream: string): Promise<number[]> {
  const { messages } = await connection.cursor().streamInfo(stream);
  const taken: number[] = [];
  if (messages === 0) return taken;
  for await (const message of new Follower<string>(connection, new Bind(stream)).getMessages()) {
    await message.ack();
    taken.push(numberOf(message.body));
    if (taken.length === messages) break;
  }
  return taken;
}

test('a backup that is cut or damaged anywhere is refused in one line, and nothing is left of it', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'whole.backup');
  await smallBackup(file);
  const whole = await readFile(file);
  const broken = join(folder.path, 'broken.backup');
  const data = join(folder.path, 'data');
  const refused = async (bytes: Buffer) => {
    await writeFile(broken, bytes);
    await expect(restoreBackup({ file: broken, folder: data })).rejects.toMatchObject({
      name: 'RestoreError',
      message: expect.stringMatching(
        /^[^\n]*(is cut|is damaged|is not a backup of SimpleMQ|has version)[^\n]*$/,
      ),
    });
    expect(readdirSync(folder.path).sort()).toEqual(['broken.backup', 'whole.backup']);
  };
  await refused(Buffer.concat([whole, Buffer.from([0])]));
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), (end) => refused(whole.subarray(0, end))),
    { numRuns: 60 },
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= change;
      return refused(bytes);
    }),
    { numRuns: 60 },
  );
  await restoreBackup({ file, folder: data });
});

/** The backup of a broker with a few messages, cut to what a test can try often. */
async function smallBackup(file: string): Promise<void> {
  await using broker = await startTestBroker();
  await using connection = await connect(broker);
  await connection.cursor().createStream('orders');
  await new Publisher(connection, new Bind('orders')).sendMessage('hello');
  await saveBackup(connection.cursor(), file);
}

test('what is restored is for its own user alone', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'whole.backup');
  await smallBackup(file);
  const data = join(folder.path, 'new', 'data');
  await restoreBackup({ file, folder: data });
  expect((await stat(data)).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(data)) expect((await stat(join(data, name))).mode & 0o777).toBe(0o600);
});

test('restore refuses a folder that is not empty, and leaves it as it is', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'whole.backup');
  await smallBackup(file);
  await expect(restoreBackup({ file, folder: folder.path })).rejects.toThrow(/is not empty/);
  expect(readdirSync(folder.path)).toEqual(['whole.backup']);
  await expect(
    restoreBackup({ file: join(folder.path, 'none'), folder: join(folder.path, 'data') }),
  ).rejects.toThrow(/cannot be read/);
  const { size } = await stat(file);
  expect(await restoreBackup({ file })).toMatchObject({ files: expect.any(Number) });
  await truncate(file, size - 1);
  await expect(restoreBackup({ file })).rejects.toThrow(/is cut: it ends at byte/);
});

test('a client that takes its backup too slowly, or goes away, holds it no longer; others can begin one', async () => {
  await using broker = await startTestBroker({ backupPatienceMs: 50 });
  await using connection = await connect(broker);
  const cursor = connection.cursor();
  const slow = (await cursor.backup())[Symbol.asyncIterator]();
  await vi.waitFor(async () => {
    for await (const _ of await cursor.backup());
  });
  await expect(
    (async () => {
      while (!(await slow.next()).done);
    })(),
  ).rejects.toMatchObject({ code: 'BackupNotFound' });
});

test('a backup ends with its connection', async () => {
  await using broker = await startTestBroker();
  await using peer = await RawPeer.open(broker);
  await peer.request(encodeBeginBackup(7), Opcode.BackupBegun);
  await using connection = await connect(broker);
  await expect(connection.cursor().backup()).rejects.toMatchObject({ code: 'BackupRunning' });
  await peer.close();
  await vi.waitFor(async () => {
    for await (const _ of await connection.cursor().backup());
  });
});

test('a broker that stops in the middle of a backup starts again with all that was confirmed', async () => {
  await using folder = await temporaryFolder();
  const publish = async (first: number, isBackedUp: boolean) => {
    await using broker = await startTestBroker({ storage: { path: folder.path } });
    await using connection = await connect(broker);
    const cursor = connection.cursor();
    await cursor.createStream('kept', { retention: 'log' });
    const publisher = new Publisher(connection, new Bind('kept'));
    await publisher.sendMessage(bodyOf(first));
    if (isBackedUp) await cursor.backup();
    await publisher.sendMessage(bodyOf(first + 1));
    const numbers = [];
    for await (const { body } of cursor.browse<string>('kept')) numbers.push(numberOf(body));
    return numbers;
  };
  expect(await publish(1, true)).toEqual([1, 2]);
  expect(await publish(3, true)).toEqual([1, 2, 3, 4]);
  expect(await publish(5, false)).toEqual([1, 2, 3, 4, 5, 6]);
});

test('segments that a backup needs stay until it is over, and go then', async () => {
  await using broker = await startTestBroker();
  await using connection = await connect(broker);
  const cursor = connection.cursor();
  await fill(connection, cursor, 'large', 40);
  const pieces = (await cursor.backup())[Symbol.asyncIterator]();
  await pieces.next();
  const pinned = segmentsOf(broker.path);
  await cursor.deleteStream('large');
  await fill(connection, cursor, 'other', 34);
  expect(segmentsOf(broker.path)).toEqual(expect.arrayContaining(pinned));
  await pieces.return?.();
  await vi.waitFor(async () => {
    await new Publisher(connection, new Bind('other')).sendMessage('a commit, after which it is looked');
    expect(segmentsOf(broker.path)).not.toContain(pinned[0]);
  }, 20_000);
});

async function fill(
  connection: Connection,
  cursor: Cursor,
  stream: string,
  mebibytes: number,
): Promise<void> {
  await cursor.createStream(stream);
  const publisher = new Publisher(connection, new Bind(stream));
  const body = Buffer.alloc(2 ** 20, stream);
  for (let i = 0; i < mebibytes; i++) await publisher.sendMessage(body);
}

function segmentsOf(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('simplemq.journal-'));
}

test('a broker that keeps everything in memory has nothing to back up, and says so', async () => {
  await using broker = await startTestBroker({ storage: { path: ':memory:' } });
  await using connection = await connect(broker);
  await expect(connection.cursor().backup()).rejects.toMatchObject({ code: 'Unsupported' });
});
