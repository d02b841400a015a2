import type { Socket } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { encodeError, Unsupported } from '@simplemq/protocol';
import { foreignProtocol, HTTP_ANSWER } from '../session/foreign-protocol.ts';
import type { Settings } from '../settings/settings.ts';
import type { Certificates } from './certificates.ts';

export interface TlsDoorOptions {
  readonly certificates: Certificates;
  /**
   * As they are when a connection comes: `handshakeTimeoutMs` is the time that it has to agree on its keys, and no more
   * than `limits.maxConnections` may be at it at a time; further ones are closed.
   */
  readonly settings: Settings;
  /** A connection did not come through. */
  readonly onFailed: (address: string, reason: string) => void;
}

const MIN_VERSION = 'TLSv1.2';
/** How long a client that does not speak TLS has to read why it is closed. */
const LINGER_MS = 1_000;
/** Longer than any that is set: the time of a handshake is seen to here, and not by TLS. */
const NEVER_MS = 2 ** 31 - 1;
/** So many bytes tell which protocol it is. */
const FIRST_BYTES = 4;
const NEEDS_TLS = new Unsupported('this port speaks TLS; connect with TLS (tls: true)', {
  details: { tls: true },
});

/**
 * Turns a connection into one that is encrypted. The first bytes are looked at before TLS sees them: who speaks plainly is
 * told so in a way that it can read.
 */
export class TlsDoor {
  readonly #options: TlsDoorOptions;
  readonly #server: Server;
  /** Connections that have not come through yet, by the address on their other side. */
  readonly #handshakes = new Map<string, { readonly socket: Socket; readonly timer: NodeJS.Timeout }>();
  #onSocket: (socket: Socket) => void = (socket) => socket.destroy();

  constructor(options: TlsDoorOptions) {
    this.#options = options;
    const { certificates } = options;
    const { clientCertificates } = certificates;
    this.#server = createServer({
      ...certificates.context,
      minVersion: MIN_VERSION,
      handshakeTimeout: NEVER_MS,
      requestCert: clientCertificates !== 'none',
      rejectUnauthorized: clientCertificates === 'require',
    });
    // It does not listen: it is handed the connections, one by one.
    this.#server.on('secureConnection', (socket) => {
      this.#done(addressOf(socket));
      // A certificate that was only asked for may be missing; one that is there has to be right.
      const isWrong = clientCertificates === 'request' && !socket.authorized && hasCertificate(socket);
      if (isWrong) {
        this.#options.onFailed(addressOf(socket), `the client's certificate: ${socket.authorizationError}`);
        socket.destroy();
      } else this.#onSocket(socket);
    });
    this.#server.on('tlsClientError', (error, socket) => {
      this.#done(addressOf(socket));
      this.#options.onFailed(addressOf(socket), `no TLS: ${error.message}`);
      socket.destroy();
    });
    certificates.onChanged = () => {
      this.#server.setSecureContext({ ...certificates.context, minVersion: MIN_VERSION });
    };
  }

  /** Where connections go that came through. */
  set onSocket(onSocket: (socket: Socket) => void) {
    this.#onSocket = onSocket;
  }

  /** Takes a connection of which nothing was read, and which is paused. */
  take(socket: Socket): void {
    // From here on until TLS, or a session, has listeners of its own.
    socket.on('error', () => socket.destroy());
    const { handshakeTimeoutMs, limits } = this.#options.settings;
    if (this.#handshakes.size >= limits.maxConnections) {
      socket.destroy();
      return;
    }
    const address = addressOf(socket);
    const timer = setTimeout(() => socket.destroy(), handshakeTimeoutMs).unref();
    this.#handshakes.set(address, { socket, timer });
    socket.once('close', () => this.#done(address));
    let first: Buffer = Buffer.alloc(0);
    const look = (chunk: Buffer): void => {
      first = Buffer.concat([first, chunk]);
      const protocol = foreignProtocol(first);
      if (protocol === undefined && first.length < FIRST_BYTES) return;
      socket.off('data', look);
      socket.pause();
      if (protocol === 'TLS') {
        socket.unshift(first);
        this.#server.emit('connection', socket);
      } else {
        this.#done(address);
        this.#refuse(socket, protocol === 'HTTP' ? HTTP_ANSWER : encodeError(0, NEEDS_TLS));
      }
    };
    socket.on('data', look);
    socket.resume();
  }

  close(): void {
    for (const { socket } of this.#handshakes.values()) socket.destroy();
  }

  #done(address: string): void {
    clearTimeout(this.#handshakes.get(address)?.timer);
    this.#handshakes.delete(address);
  }

  #refuse(socket: Socket, answer: Buffer): void {
    this.#options.onFailed(addressOf(socket), 'the client does not speak TLS');
    socket.end(answer);
    // Read and discarded: a socket that is closed with bytes unread resets, and the answer would be lost.
    socket.resume();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }
}

function hasCertificate(socket: { getPeerX509Certificate(): unknown }): boolean {
  return socket.getPeerX509Certificate() !== undefined;
}

function addressOf(socket: Socket): string {
  return `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? '?'}`;
}
