import { createServer, type Server, type Socket } from 'node:net';
import { StartError } from '../start-error.ts';
import type { TlsDoor } from './tls-door.ts';

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** See addresses.ts. */
  readonly addresses: readonly string[];
  readonly onError: (error: Error) => void;
  /** What encrypts the connections; without it they are plain. */
  readonly door?: TlsDoor;
}

/** How often another free port is tried when the one that the first address got is taken on the second. */
const FREE_PORT_ATTEMPTS = 10;

/** Connections that the system may hold for us while the event loop is busy. */
const BACKLOG = 1_024;

/**
 * The TCP port. It is taken before anything else of the server exists, so that a port in use leaves all untouched;
 * connections that come before `accept` wait unread.
 */
export class Listener {
  readonly #onError: (error: Error) => void;
  readonly #door: TlsDoor | undefined;
  readonly #servers: Server[] = [];
  #early: Socket[] = [];
  #onSocket: ((socket: Socket) => void) | undefined;

  private constructor({ onError, door }: ListenerOptions) {
    this.#onError = onError;
    this.#door = door;
  }

  /** @throws StartError when the port cannot be had */
  static async listen(options: ListenerOptions): Promise<Listener> {
    for (let attempt = 1; ; attempt++) {
      const listener = new Listener(options);
      try {
        await listener.#open(options);
        return listener;
      } catch (error) {
        listener.close();
        const { code } = error as NodeJS.ErrnoException;
        if (options.port === 0 && code === 'EADDRINUSE' && attempt < FREE_PORT_ATTEMPTS) continue;
        throw startError(options, error as NodeJS.ErrnoException);
      }
    }
  }

  /** The port that was taken, on every address the same. */
  get port(): number {
    return portOf(this.#servers[0]!);
  }

  /** Hands over the connections, those that wait already among them. Nothing was read of them. */
  accept(onSocket: (socket: Socket) => void): void {
    const door = this.#door;
    if (door !== undefined) door.onSocket = onSocket;
    this.#onSocket = door === undefined ? onSocket : (socket) => door.take(socket);
    for (const socket of this.#early.splice(0)) this.#onSocket(socket);
  }

  /** No further connections. Those that there are go on. */
  close(): void {
    for (const server of this.#servers) server.close();
    this.#door?.close();
    for (const socket of this.#early.splice(0)) socket.destroy();
  }

  async #open({ port, addresses }: ListenerOptions): Promise<void> {
    for (const address of addresses) {
      const isFirst = this.#servers.length === 0;
      await this.#listenOn(address, isFirst ? port : this.port, !isFirst);
    }
  }

  /** An address that the machine lacks is left out when it `mayLack`. */
  #listenOn(host: string, port: number, mayLack: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => this.#take(socket));
      server.once('error', (error: NodeJS.ErrnoException) => {
        const lacking = error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT';
        if (mayLack && lacking) resolve();
        else reject(error);
      });
      server.listen({ host, port, backlog: BACKLOG }, () => {
        server.removeAllListeners('error');
        server.on('error', this.#onError);
        this.#servers.push(server);
        resolve();
      });
    });
  }

  #take(socket: Socket): void {
    if (this.#onSocket !== undefined) this.#onSocket(socket);
    else {
      socket.on('error', () => socket.destroy());
      this.#early.push(socket);
    }
  }
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function startError({ host, port }: ListenerOptions, cause: NodeJS.ErrnoException): StartError {
  switch (cause.code) {
    case 'EADDRINUSE':
      return new StartError(
        'PortInUse',
        `port ${port} on ${host} is in use; stop what listens there, or set another port (SIMPLEMQ_PORT)`,
        { cause },
      );
    case 'EACCES':
      return new StartError(
        'PortForbidden',
        `port ${port} on ${host} needs more rights; set one above 1023`,
        {
          cause,
        },
      );
    case 'EADDRNOTAVAIL':
      return new StartError('HostNotFound', `host ${host} is not an address of this machine`, { cause });
    default:
      return new StartError('ListenFailed', `cannot listen on ${host}:${port}: ${cause.message}`, { cause });
  }
}
