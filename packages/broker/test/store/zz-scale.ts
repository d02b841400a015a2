import { mkdirSync, rmSync, statSync } from 'node:fs';
import { openDatabase } from '../../src/store/sqlite/database.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { NOTHING, newStream } from './transactions.ts';
import { batchOf } from '../batches.ts';
import { encodeBatchHead } from '@simplemq/protocol';

const dir = '/tmp/store-bench/scale';
rmSync(dir, { recursive: true, force: true });
mkdirSync(dir);
const N = Number(process.argv[2] ?? 5_000_000);
{
  let store = await openSqliteStore({ folder: dir });
  await store.commit({ ...NOTHING, createdStreams: [newStream(1), newStream(2)] });
  await store.close();
  const db = openDatabase({ folder: dir });
  db.pragma('synchronous = OFF');
  const { count, flags, shared, records } = batchOf('x'.repeat(100));
  const data = Buffer.concat([encodeBatchHead(count, flags, shared, records), records]);
  const t = performance.now();
  const ins = db.prepare('INSERT INTO batches (stream_id, lane, first_seq, ordinal, count, bytes, time, data) VALUES (1,?,?,?,1,105,?,?)');
  const del = db.prepare('INSERT INTO delayed VALUES (?,2,0,?,?,1,105,0,?)');
  for (let s = 0; s < N; s += 50000) {
    db.transaction(() => { for (let i = s; i < s + 50000; i++) { ins.run(i % 4 ? 0 : 2, i + 1, i, 1000 + Math.floor(i / 3), data); del.run(i + 1, i % 2, Math.floor(Math.random() * 1e9), data); } })();
    if (s % 500000 === 0) db.pragma('wal_checkpoint(PASSIVE)');
  }
  db.prepare('UPDATE streams SET delayed = ?, delayed_bytes = ?, last_delayed_id = ? WHERE id = 2').run(N, N * 105, N);
  db.prepare('UPDATE streams SET next_sequence = ?, messages = ? WHERE id = 1').run(N + 1, N);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  console.log('built in', ((performance.now() - t) / 1000).toFixed(0), 's', (statSync(dir + '/simplemq.db').size / 2 ** 20).toFixed(0), 'MiB');
}
const time = async <T>(name: string, f: () => Promise<T>): Promise<T> => { const t = performance.now(); const r = await f(); console.log(name, (performance.now() - t).toFixed(2), 'ms'); return r; };
const store = await time('open', () => openSqliteStore({ folder: dir }));
await time('load', () => store.load());
const rss0 = process.memoryUsage().rss;
for (let i = 0; i < 5; i++) await time('seek', () => store.seek({ streamId: 1, lane: i % 2 ? 0 : 2, time: 1000 + Math.floor(Math.random() * N / 3) }));
await time('front 1 MiB', () => store.front({ streamId: 1, bytes: 2 ** 20 }));
await time('front 100 MiB', () => store.front({ streamId: 1, bytes: 100 * 2 ** 20 }));
const page = await time('readDelayed 4096', () => store.readDelayed({ wallMs: 1e8, steadyMs: 1e8, limit: 4096, bytesMax: 8 << 20 }));
console.log(page.due.length, page.nextWallMs);
await time('readDelayed none due', () => store.readDelayed({ wallMs: -1, steadyMs: -1, limit: 4096, bytesMax: 8 << 20 }));
await time('listDelayed 1000', () => store.listDelayed({ streamId: 2, after: N / 2, limit: 1000 }));
console.log('rss', ((process.memoryUsage().rss - rss0) / 2 ** 20).toFixed(0), 'MiB more');
await time('delete both streams', () => store.commit({ ...NOTHING, deletedStreams: [1, 2], createdStreams: [newStream(3)] }));
const t0 = performance.now();
let slow: number[] = [];
const size = () => statSync(dir + '/simplemq.db').size;
const small = batchOf('y');
const { Batch } = await import('../../src/stream/batch.ts');
let n = 0;
let last = size();
for (;;) {
  const t = performance.now();
  n++;
  await store.commit({ ...NOTHING, batches: [{ streamId: 3, lane: 0, batch: new Batch({ first: n, ordinal: n - 1, time: 0, ...small }) }] });
  slow.push(performance.now() - t);
  await new Promise((r) => setTimeout(r, 70));
  if (n % 200 === 0) { slow.sort((a, b) => a - b); console.log(((performance.now() - t0) / 1000).toFixed(0), 's', (size() / 2 ** 20).toFixed(0), 'MiB', 'commit p50', slow[slow.length >> 1]!.toFixed(2), 'p99', slow[Math.floor(slow.length * 0.99)]!.toFixed(1), 'max', slow.at(-1)!.toFixed(1)); slow = []; }
  if (size() < 20 << 20 || performance.now() - t0 > 400_000) break;
}
console.log('given back after', ((performance.now() - t0) / 1000).toFixed(0), 's');
await store.close();
