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
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #isStalled = false;
  #connections = 0;

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
    from.on('data', (chunk) => {
      if (this.delayMs === 0) this.#forward(from, to, chunk);
      else setTimeout(() => this.#forward(from, to, chunk), this.delayMs);
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
    if (to.writable && !to.write(chunk)) from.pause();
  }
}

function pauseLink({ near, far }: Link): void {
  near.pause();
  far.pause();
}
