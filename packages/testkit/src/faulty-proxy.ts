import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface ProxyTarget {
  readonly port: number;
  readonly host?: string;
}

interface Link {
  readonly near: Socket;
  readonly far: Socket;
}

/** A network between a client and a broker that can be cut, stalled and slowed. */
export class FaultyProxy {
  readonly host = '127.0.0.1';
  /** Where new connections lead; may be changed, as when a broker comes back on another port. */
  target: ProxyTarget;
  /** Refuses new connections while true. */
  isDown = false;
  /** Adds this time to all that passes, each way. */
  delayMs = 0;
  /** What passes goes on in pieces of so many bytes; 0 as it came. */
  pieceBytes = 0;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #isStalled = false;
  #connections = 0;
  #passedBytes = 0;
  #refused = 0;

  private constructor(target: ProxyTarget) {
    this.target = target;
    this.#server = createServer({ noDelay: true }, (near) => this.#link(near));
  }

  static async start(target: ProxyTarget): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target);
    proxy.#server.listen(0, proxy.host);
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Bytes that went on, both ways. */
  get passedBytes(): number {
    return this.#passedBytes;
  }

  /** Connections that were refused while it was down. */
  get refused(): number {
    return this.#refused;
  }

  /** Connections so far. */
  get connections(): number {
    return this.#connections;
  }

  /** Cuts every connection there is, without a good-bye. New ones are taken. */
  cut(): void {
    for (const { near, far } of this.#links) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  /** Nothing passes any more, though the connections stay: as when a cable is pulled. */
  stall(): void {
    this.#isStalled = true;
    for (const link of this.#links) pauseLink(link);
  }

  /** Nothing passes one way any more, while the other goes on: as when a route is lost. New connections are spared. */
  stallOneWay(way: 'to the broker' | 'to the client'): void {
    for (const { near, far } of this.#links) (way === 'to the broker' ? near : far).pause();
  }

  resume(): void {
    this.#isStalled = false;
    for (const { near, far } of this.#links) {
      near.resume();
      far.resume();
    }
  }

  async close(): Promise<void> {
    this.cut();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #link(near: Socket): void {
    if (this.isDown) {
      this.#refused++;
      near.resetAndDestroy();
      return;
    }
    this.#connections++;
    const far = connect({ host: this.target.host ?? '127.0.0.1', port: this.target.port, noDelay: true });
    const link = { near, far };
    this.#links.add(link);
    this.#pass(link, near, far);
    this.#pass(link, far, near);
    if (this.#isStalled) pauseLink(link);
  }

  #pass(link: Link, from: Socket, to: Socket): void {
    const waiting: { readonly chunk: Buffer; readonly dueAt: number }[] = [];
    const forwardDue = (): void => {
      const [next] = waiting;
      if (next === undefined) return;
      const leftMs = next.dueAt - performance.now();
      if (leftMs > 0) {
        setTimeout(forwardDue, Math.ceil(leftMs));
        return;
      }
      this.#forward(from, to, next.chunk);
      waiting.shift();
      forwardDue();
    };
    let lastDueAt = 0;
    from.on('data', (chunk) => {
      const now = performance.now();
      // What came first goes on first, though the delay may have become shorter.
      lastDueAt = Math.max(lastDueAt, now + this.delayMs);
      if (lastDueAt <= now && waiting.length === 0) {
        this.#forward(from, to, chunk);
        return;
      }
      waiting.push({ chunk, dueAt: lastDueAt });
      if (waiting.length === 1) forwardDue();
    });
    to.on('drain', () => {
      if (!this.#isStalled) from.resume();
    });
    from.on('error', () => to.destroy());
    from.on('end', () => to.end());
    from.on('close', () => {
      to.destroy();
      this.#links.delete(link);
    });
  }

  #forward(from: Socket, to: Socket, chunk: Buffer): void {
    if (!to.writable) return;
    this.#passedBytes += chunk.length;
    const pieceBytes = this.pieceBytes === 0 ? chunk.length : this.pieceBytes;
    let isTaken = true;
    for (let start = 0; start < chunk.length; start += pieceBytes) {
      isTaken = to.write(chunk.subarray(start, start + pieceBytes));
    }
    if (!isTaken) from.pause();
  }
}

function pauseLink({ near, far }: Link): void {
  near.pause();
  far.pause();
}
