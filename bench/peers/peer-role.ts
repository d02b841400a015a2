import { type Figures, type Orders, runRole } from '../role.ts';
import type { Client, ClientModule, Family, Topology } from './client.ts';

/** What a process of the benchmark is told: Orders, and whose client it is. */
export interface PeerOrders extends Orders {
  /** The URL of its client's module. */
  readonly client: string;
  readonly clientOptions: Readonly<Record<string, string>>;
  readonly topology: Topology;
  /** In place of `stream`: all of its streams. */
  readonly family?: Family;
}

export interface Working {
  work(): Promise<Figures>;
  end(): Promise<void>;
}

/** Runs a role over the clients of a peer; `prepare` is not measured. */
export async function runPeerRole<O extends PeerOrders>(
  prepare: (orders: O, connect: () => Promise<Client>) => Promise<() => Promise<Figures>>,
): Promise<void> {
  await runRole<O, Figures>({
    async prepare(orders) {
      const { connect } = (await import(orders.client)) as ClientModule;
      const clients: Client[] = [];
      const work = await prepare(orders, async () => {
        const client = await connect(orders.server, orders.topology, orders.clientOptions);
        clients.push(client);
        return client;
      });
      return { work, end: () => closeAll(clients) };
    },
  });
}

const CLOSE_MS_MAX = 5_000;

/** The figures are told by now: a client that does not come to its end is left to the process's. */
async function closeAll(clients: readonly Client[]): Promise<void> {
  setTimeout(() => process.exit(), CLOSE_MS_MAX).unref();
  await Promise.allSettled(clients.map((client) => client.close()));
}

/** Figures of a role that measures nothing. */
export const NO_FIGURES: Figures = { seconds: 0, messages: 0 };
