import { Connection } from '@simplemq/client';
import { runRole } from '../role.ts';

/** So many connect at a time. */
const CONNECTING = 50;

/** Connections that do nothing but stay, with their heartbeats. */
await runRole<{ readonly port: number; readonly count: number }>(async ({ port, count }) => {
  const all = Array.from({ length: count }, () => new Connection({ host: '127.0.0.1', port }));
  let lost = 0;
  for (const connection of all) connection.on('disconnected', () => lost++);
  for (let first = 0; first < count; first += CONNECTING) {
    const some = all.slice(first, first + CONNECTING);
    await Promise.all(some.map((connection) => connection.cursor().session()));
  }
  return {
    async stop() {
      const facts = { connections: count, lost };
      await Promise.all(all.map((connection) => connection.close()));
      return facts;
    },
  };
});
