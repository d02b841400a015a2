import { type RunningRole, type RunningServer, runAlone, startRole } from '../processes.ts';
import type { Figures } from '../role.ts';
import type { Family, Topology } from './client.ts';
import type { Peer } from './peer.ts';
import type { PeerOrders } from './peer-role.ts';
import { WARM_UP } from './roles/warm-up.ts';

/** How much a run takes. */
export interface Size {
  /** Messages of 128 bytes of a throughput scenario; the other scenarios take a share of it. */
  readonly messages: number;
  /** How long each rate of the latency scenarios lasts, without the first second, which is not counted. */
  readonly seconds: number;
  /** Streams that are there in the regex scenarios, in thousands as in their titles unless scaled. */
  readonly streams: number;
}

export const STREAM = 'bench';
const WINDOW = 10_000;
const WINDOW_BYTES = 64 * 1024 * 1024;
const BODY_BYTES = 128;
const MESSAGES_MIN = 200;

/** A window that does not fill a client's memory with large bodies. */
export function windowOf(bodyBytes: number): number {
  return Math.min(WINDOW, Math.floor(WINDOW_BYTES / bodyBytes));
}

/** A server of a peer, fresh, and what a scenario does with it. */
export class Bench {
  readonly peer: Peer;
  readonly size: Size;
  readonly #server: RunningServer;
  #topology: Topology = { streams: [], families: [], groups: [] };

  constructor(peer: Peer, server: RunningServer, size: Size) {
    this.peer = peer;
    this.#server = server;
    this.size = size;
  }

  /** A share of the messages, so that each scenario takes about as long, less for a peer that is given less. */
  share(divisor: number): number {
    return Math.max(MESSAGES_MIN, Math.round((this.size.messages * (this.peer.share ?? 1)) / divisor));
  }

  /** Creates the stream `bench`, and what else there is to be. */
  async declare(more: { streams?: string[]; families?: Family[]; groups?: string[] } = {}): Promise<void> {
    const { streams = [], families = [], groups = ['workers'] } = more;
    this.#topology = { streams: [STREAM, WARM_UP, ...streams], families, groups };
    await this.run('declare', {});
  }

  orders(given: Partial<PeerOrders>): PeerOrders {
    const { client, clientOptions = {} } = this.peer;
    const bodyBytes = given.bodyBytes ?? BODY_BYTES;
    return {
      server: this.#server.address,
      client: client.href,
      clientOptions,
      topology: this.#topology,
      stream: STREAM,
      messages: this.share(1),
      bodyBytes,
      window: windowOf(bodyBytes),
      connections: 1,
      ...given,
    };
  }

  /** Runs a role of the folder `roles` in a process of its own. */
  run(role: string, given: Partial<PeerOrders> & Record<string, unknown>): Promise<Figures> {
    return runAlone(roleFile(role), this.orders(given));
  }

  /** Starts a role, to be given the word. */
  start(role: string, given: Partial<PeerOrders> & Record<string, unknown>): Promise<RunningRole> {
    return startRole(roleFile(role), this.orders(given));
  }

  /** Two roles at once: the first is there when the second begins. Tells the figures of both. */
  async both(
    first: Promise<RunningRole>,
    second: () => Promise<RunningRole>,
  ): Promise<readonly [Figures, Figures]> {
    const [one, two] = [await first, await second()];
    return await Promise.all([one.go(), two.go()]);
  }
}

function roleFile(role: string): URL {
  return new URL(`./roles/${role}.ts`, import.meta.url);
}
