import { Connection } from '@simplemq/client';
import { NO_FIGURES } from '../../peers/peer-role.ts';
import { runRole } from '../../role.ts';

/** So many connect at a time. */
const CONNECTING = 100;

/** Connections that do nothing but stay, until the process is told to stop. */
await runRole({
  async prepare({ server, connections }) {
    const all = Array.from({ length: connections }, () => new Connection(server));
    for (let first = 0; first < connections; first += CONNECTING) {
      const some = all.slice(first, first + CONNECTING);
      await Promise.all(some.map((connection) => connection.cursor().session()));
    }
    return {
      work: async () => NO_FIGURES,
      end: async () => {
        await Promise.all(all.map((connection) => connection.close()));
      },
    };
  },
});
