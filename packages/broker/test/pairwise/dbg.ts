import { World } from '../model/world.ts';
import { batchOf } from '../batches.ts';
const w = await World.open({ cacheBytesMax: 1e8 });
w.model.create('a2', 'log');
await w.engine.createStream('a2', { retention: 'log' });
const r = Array.from({ length: 350 }, () => ({ body: w.model.newBody() }));
w.model.publish({ stream: 'a2' }, r);
await w.engine.publish({ bind: { stream: 'a2' }, batch: batchOf(...r) });
try { await w.drain(); } catch (e) { console.log(String(e)); console.log(JSON.stringify((await w.engine.streamInfo('a2')).groups));
 for (const g of w.model.groups) { const c: any = {}; for (const e of g.entries) c[e.state] = (c[e.state] ?? 0) + 1; console.log(g.name, c); } 
 for (const [k, f] of w.model.followers) console.log(k, f.upTo, f.delivered, f.group, [...f.streams]);
}
await w.engine.close();
