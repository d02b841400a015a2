import { Bind, Connection, Follower, Publisher } from '@simplemq/client';
const connection = new Connection({ port: 19777 });
const cursor = connection.cursor();
await cursor.createStream('many');
await cursor.createGroup('many', 'workers', { retry: { maxDeliveries: 1 } });
const p = new Publisher(connection, new Bind('many'));
await p.sendMessages(Array.from({length: 60000}, (_, i) => `message ${i}`));
const f = new Follower(connection, new Bind('many'), { prefetch: 5000 });
let done = 0;
for await (const m of f.getMessages()) { const w = m.nack({ reason: `boom ${m.sequence % 7}` }); if (++done === 60000) { await w; break; } }
let n = 0; while ((await cursor.listStreams(new Bind(/^\$dead.many/)))[0]?.messages !== 60000 && n++ < 100) await new Promise(r => setTimeout(r, 200));
console.log(await cursor.listStreams(new Bind(/^\$dead.many/)));
await connection.close();
