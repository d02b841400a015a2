import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  decodeError,
  decodeWelcome,
  encodeHello,
  type Frame,
  FrameDecoder,
  type Hello,
  Opcode,
  opcodeName,
  PROTOCOL_VERSION,
  type SimpleMQError,
  type Welcome,
} from '@simplemq/protocol';

export interface RawPeerOptions {
  readonly port: number;
  readonly host?: string;
  readonly raw?: boolean;
  /** Where the connection comes from. */
  readonly localAddress?: string;
}

/** A client that speaks frames by hand, right or wrong. */
export class RawPeer {
  readonly socket: Socket;
  /** Settles when the connection is closed, however it came about. */
  readonly closed: Promise<void>;
  /** All that was received, when it was connected with `raw`. */
  received: Buffer = Buffer.alloc(0);
  readonly #frames: Frame[] = [];
  readonly #waiting: { resolve: (frame: Frame) => void; reject: (error: Error) => void }[] = [];
  #isClosed = false;
  #requestId = 0;

  private constructor(socket: Socket, raw: boolean) {
    this.socket = socket;
    const decoder = new FrameDecoder({ frameBytesMax: 2 ** 31 });
    socket.on('data', (chunk: Buffer) => {
      if (raw) this.received = Buffer.concat([this.received, chunk]);
      else decoder.push(chunk, (frame) => this.#received(frame));
    });
    // A reset is one of the ways to be closed; tests look at `closed`.
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        for (const { reject } of this.#waiting.splice(0)) reject(new Error('the connection is closed'));
        resolve();
      });
    });
  }

  /** @param options.raw what comes is not frames, and is to be found in `received` */
  static async connect(options: RawPeerOptions): Promise<RawPeer> {
    const { host = '127.0.0.1', port, localAddress } = options;
    const socket = connect({
      host,
      port,
      noDelay: true,
      ...(localAddress !== undefined && { localAddress }),
    });
    await once(socket, 'connect');
    return new RawPeer(socket, options.raw ?? false);
  }

  /** Connects and says HELLO. */
  static async open(options: { port: number; host?: string }, hello: Partial<Hello> = {}): Promise<RawPeer> {
    const peer = await RawPeer.connect(options);
    await peer.hello(hello);
    return peer;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  nextRequestId(): number {
    return ++this.#requestId;
  }

  /** @throws the error that the server answered with */
  async hello(hello: Partial<Hello> = {}): Promise<Welcome> {
    this.send(
      encodeHello(this.nextRequestId(), {
        version: PROTOCOL_VERSION,
        client: 'raw peer',
        producer: randomBytes(16),
        features: [],
        ...hello,
      }),
    );
    return decodeWelcome((await this.expect(Opcode.Welcome)).payload);
  }

  send(...bytes: Uint8Array[]): void {
    this.socket.cork();
    for (const piece of bytes) this.socket.write(piece);
    this.socket.uncork();
  }

  /** The next frame but for heartbeats. Rejects when the connection is closed first. */
  async next(): Promise<Frame> {
    for (;;) {
      const frame = await this.nextOfAll();
      if (frame.opcode !== Opcode.Heartbeat) return frame;
    }
  }

  /** The next frame, heartbeats among them. */
  nextOfAll(): Promise<Frame> {
    const frame = this.#frames.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    if (this.#isClosed) return Promise.reject(new Error('the connection is closed'));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** The next frame, which must be of this kind. @throws the error that came in its place */
  async expect(opcode: number): Promise<Frame> {
    const frame = await this.next();
    if (frame.opcode === opcode) return frame;
    if (frame.opcode === Opcode.Error) throw decodeError(frame.payload);
    throw new Error(`${opcodeName(frame.opcode)} came where ${opcodeName(opcode)} was expected`);
  }

  /** The next frame, which must be an ERROR. */
  async expectError(): Promise<SimpleMQError> {
    return decodeError((await this.expectErrorFrame()).payload);
  }

  async expectErrorFrame(): Promise<Frame> {
    const frame = await this.next();
    if (frame.opcode === Opcode.Error) return frame;
    throw new Error(`${opcodeName(frame.opcode)} came where ERROR was expected`);
  }

  /** Sends a request and waits for its answer, which must come next. */
  async request(frame: Uint8Array | readonly Uint8Array[], answer: number): Promise<Frame> {
    this.send(...(frame instanceof Uint8Array ? [frame] : frame));
    return this.expect(answer);
  }

  /** Stops and goes on reading, as a client that is busy. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #received(frame: Frame): boolean {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#frames.push(frame);
    else waiting.resolve(frame);
    return true;
  }
}
