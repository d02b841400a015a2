import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type Conditions, Pipe } from './pipe.ts';

export interface ProxyTarget {
  readonly port: number;
  readonly host?: string;
}

/** A direction, or an end, of a connection. */
export type Side = 'to the broker' | 'to the client';

interface Link {
  readonly near: Socket;
  readonly far: Socket;
  readonly pipes: { readonly [S in Side]: Pipe };
  /** Says to the broker what the client says, too. */
  readonly double: Socket | undefined;
  /** One of its ends is gone, and the other was not told. */
  isHalfOpen: boolean;
}

/** A network between a client and a broker that can be cut, stalled, slowed and worse. */
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
  /** Clients read no more than this a second, each; 0 as fast as they can. */
  readBytesPerSecond = 0;
  /** Of new connections all that the client says is said on a second one too, whose answers nobody reads. */
  isDoubling = false;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #isStalled = false;
  #connections = 0;
  #passedBytes = 0;
  #doubledBytes = 0;
  #refused = 0;
  #slowed = 0;

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

  /** Bytes that clients sent once and the broker got twice. */
  get doubledBytes(): number {
    return this.#doubledBytes;
  }

  /** Connections that were refused while it was down. */
  get refused(): number {
    return this.#refused;
  }

  /** How often a client was to wait before it could read more. */
  get slowed(): number {
    return this.#slowed;
  }

  /** Connections so far. */
  get connections(): number {
    return this.#connections;
  }

  /** Connections of which one end is gone and the other not told. */
  get halfOpen(): number {
    return [...this.#links].filter(({ isHalfOpen }) => isHalfOpen).length;
  }

  /** Cuts every connection there is, without a good-bye. New ones are taken. */
  cut(): void {
    for (const { near, far, double } of this.#links) {
      for (const socket of [near, far, double]) socket?.resetAndDestroy();
    }
  }

  /** Nothing passes any more, though the connections stay: as when a cable is pulled. */
  stall(): void {
    this.#isStalled = true;
    for (const link of this.#links) stallLink(link);
  }

  /** Nothing passes one way any more, while the other goes on: as when a route is lost. New connections are spared. */
  stallOneWay(way: Side): void {
    for (const { pipes } of this.#links) pipes[way].hold('stalled');
  }

  /**
   * One end of every connection is gone, and the other is not told: as when a machine loses its power. What is left of
   * it ends when whoever is there ends it. New connections are spared.
   *
   * @param isLeft who is still there
   */
  loseEnds(isLeft: 'the broker' | 'the client'): void {
    for (const link of this.#links) {
      if (link.isHalfOpen) continue;
      link.isHalfOpen = true;
      (isLeft === 'the broker' ? link.near : link.far).resetAndDestroy();
      link.double?.resetAndDestroy();
      // What the one that is left says is lost, and its end is to be seen.
      link.pipes[isLeft === 'the broker' ? 'to the client' : 'to the broker'].letGo('full', 'slow');
    }
  }

  /** Ends the second connections. */
  cutDoubles(): void {
    this.isDoubling = false;
    for (const { double } of this.#links) double?.resetAndDestroy();
  }

  /** Ends all waiting: what was stalled passes. */
  resume(): void {
    this.#isStalled = false;
    for (const { pipes } of this.#links) {
      for (const pipe of Object.values(pipes)) pipe.letGo('stalled', 'slow');
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
    const far = this.#connect();
    const double = this.isDoubling ? this.#connect() : undefined;
    // What it is answered is of no use.
    double?.on('error', () => {}).resume();
    const pipes = {
      'to the broker': new Pipe(near, far, this.#conditions('to the broker'), (chunk) => {
        this.#passedBytes += chunk.length;
        if (!double?.writable) return;
        double.write(chunk);
        this.#doubledBytes += chunk.length;
      }),
      'to the client': new Pipe(far, near, this.#conditions('to the client'), (chunk, isSlowed) => {
        this.#passedBytes += chunk.length;
        if (isSlowed) this.#slowed++;
      }),
    };
    const link: Link = { near, far, pipes, double, isHalfOpen: false };
    this.#links.add(link);
    this.#ends(link, near, far);
    this.#ends(link, far, near);
    if (this.#isStalled) stallLink(link);
  }

  /** How the other socket of a link, and the link, end with this one. */
  #ends(link: Link, one: Socket, other: Socket): void {
    one.on('error', () => {
      if (!link.isHalfOpen) other.destroy();
    });
    one.on('end', () => other.end());
    one.on('close', () => {
      if (link.isHalfOpen && !other.destroyed) return;
      other.destroy();
      link.double?.destroy();
      this.#links.delete(link);
    });
  }

  #connect(): Socket {
    return connect({ host: this.target.host ?? '127.0.0.1', port: this.target.port, noDelay: true });
  }

  #conditions(side: Side): Conditions {
    const proxy = this;
    return {
      get delayMs() {
        return proxy.delayMs;
      },
      get pieceBytes() {
        return proxy.pieceBytes;
      },
      get bytesPerSecond() {
        return side === 'to the client' ? proxy.readBytesPerSecond : 0;
      },
    };
  }
}

function stallLink({ pipes }: Link): void {
  for (const pipe of Object.values(pipes)) pipe.hold('stalled');
}
