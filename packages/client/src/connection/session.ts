import {
  ConnectionLost,
  type Deliver,
  decodeClosing,
  decodeDeliver,
  decodeError,
  decodeFollowerEnded,
  decodeWelcome,
  encodeHello,
  type Frame,
  FrameDecoder,
  HANDSHAKE_BYTES_MAX,
  HEARTBEAT_FRAME,
  type Hello,
  Opcode,
  ProtocolViolation,
  type RecordBatch,
  SimpleMQError,
  type Welcome,
} from '@simplemq/protocol';
import { type ConnectFailure, codeOf, connectFailureOf, isTlsAlert, TLS_NEEDED } from './connect-failure.ts';
import type { Endpoint } from './options.ts';
import { type Requester, RequestTable } from './request-table.ts';
import { Transport } from './transport.ts';

export interface SessionHandlers {
  opened(session: Session): void;
  /** The server is shutting down. */
  closing(reason: string): void;
  /** Called once, last, after everything that was in flight was refused with `error`. */
  closed(error: SimpleMQError): void;
}

/** Where a follower's messages go. */
export interface DeliverySink {
  delivered(delivery: Deliver & { readonly batch: RecordBatch }): void;
  ended(error: SimpleMQError): void;
}

/** Looks at the counters this often within heartbeatMs, so that a silence is never much longer than that. */
const LOOKS_PER_HEARTBEAT = 2;
/** Who was silent for this many heartbeats is gone. */
const HEARTBEATS_MISSED_MAX = 3;

/** One socket's life: HELLO, frames both ways, heartbeats, the end. */
export class Session {
  readonly #handlers: SessionHandlers;
  readonly #transport: Transport;
  readonly #requests = new RequestTable();
  readonly #followers = new Map<number, DeliverySink>();
  readonly #decoder = new FrameDecoder({ frameBytesMax: HANDSHAKE_BYTES_MAX });
  readonly #where: string;
  readonly #handshakeTimer: NodeJS.Timeout;
  #heartbeat: NodeJS.Timeout | undefined;
  #welcome: Welcome | undefined;
  #closing = false;
  #closed = false;
  #fault: SimpleMQError | undefined;
  #framesOut = 0;
  #chunksIn = 0;

  constructor(endpoint: Endpoint, hello: Hello, timeoutMs: number, handlers: SessionHandlers) {
    this.#handlers = handlers;
    this.#where = `${endpoint.host}:${endpoint.port}`;
    this.#handshakeTimer = setTimeout(() => {
      this.destroy(new ConnectionLost(`${this.#where} did not answer within ${timeoutMs} ms`));
    }, timeoutMs).unref();
    this.#transport = new Transport(endpoint, {
      opened: () => this.#sayHello(hello),
      received: (chunk) => this.#received(chunk),
      closed: (cause, wasOpen) => this.#ended(cause, connectFailureOf({ endpoint, wasOpen, cause })),
    });
  }

  /** What the server told of itself. Only to be asked of a session that was opened. */
  get welcome(): Welcome {
    return this.#welcome!;
  }

  /** Whether new requests may be sent. */
  get usable(): boolean {
    return this.#welcome !== undefined && !this.#closing && !this.#closed;
  }

  get welcomed(): boolean {
    return this.#welcome !== undefined;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Sends a request; `encode` gets its id. The requester is told the answer, or that the session ended. */
  request(opcode: number, requester: Requester, encode: (id: number) => Buffer, tail?: Buffer): void {
    if (this.#closed) {
      process.nextTick(() => requester.refused(this.#lostError(undefined)));
      return;
    }
    const frame = encode(this.#requests.add(opcode, requester));
    if (tail === undefined) this.send(frame);
    else this.send(frame, tail);
  }

  send(...pieces: Uint8Array[]): void {
    if (this.#closed) return;
    this.#framesOut++;
    this.#transport.send(...pieces);
  }

  /** Writes what was sent in this turn without waiting for its end. */
  flush(): void {
    this.#transport.flush();
  }

  attach(follower: number, sink: DeliverySink): void {
    this.#followers.set(follower, sink);
  }

  detach(follower: number): void {
    this.#followers.delete(follower);
  }

  ref(): void {
    this.#transport.ref();
  }

  unref(): void {
    this.#transport.unref();
  }

  end(): void {
    this.#transport.end();
  }

  destroy(error: SimpleMQError): void {
    this.#fault ??= error;
    this.#transport.destroy();
  }

  #sayHello(hello: Hello): void {
    const requester: Requester = {
      answered: (payload) => this.#open(decodeWelcome(payload)),
      refused: (error) => this.destroy(error),
    };
    this.request(Opcode.Hello, requester, (id) => encodeHello(id, hello));
  }

  #open(welcome: Welcome): void {
    clearTimeout(this.#handshakeTimer);
    this.#welcome = welcome;
    this.#decoder.frameBytesMax = welcome.limits.maxFrameBytes;
    this.#startHeartbeat(welcome.heartbeatMs);
    this.#handlers.opened(this);
  }

  #received(chunk: Buffer): void {
    this.#chunksIn++;
    if (this.#welcome === undefined && isTlsAlert(chunk)) {
      this.destroy(this.#lostError(undefined, TLS_NEEDED));
      return;
    }
    try {
      this.#decoder.push(chunk, (frame) => this.#dispatch(frame));
    } catch (error) {
      if (!(error instanceof SimpleMQError)) throw error;
      this.destroy(error);
    }
  }

  #dispatch({ opcode, requestId, payload }: Frame): boolean {
    if (this.#closed || this.#fault !== undefined) return false;
    if (opcode === Opcode.Deliver) {
      const delivery = decodeDeliver(payload);
      this.#followers.get(delivery.follower)?.delivered(delivery);
    } else if (requestId !== 0) {
      this.#requests.settle(opcode, requestId, payload);
    } else {
      this.#notice(opcode, payload);
    }
    return true;
  }

  /** Frames that answer nothing. */
  #notice(opcode: number, payload: Buffer): void {
    switch (opcode) {
      case Opcode.Heartbeat:
        break;
      case Opcode.Closing:
        this.#closing = true;
        this.#handlers.closing(decodeClosing(payload).reason);
        break;
      case Opcode.FollowerEnded: {
        const { follower, error } = decodeFollowerEnded(payload);
        const sink = this.#followers.get(follower);
        this.#followers.delete(follower);
        sink?.ended(error);
        break;
      }
      case Opcode.Error:
        this.destroy(decodeError(payload));
        break;
      default:
        throw new ProtocolViolation(
          `the server sent a frame 0x${opcode.toString(16)} that only a client may send`,
        );
    }
  }

  /** Counts looks, not time: a process that was busy for long must not take its own silence for the server's. */
  #startHeartbeat(heartbeatMs: number): void {
    let framesOut = this.#framesOut;
    let chunksIn = this.#chunksIn;
    let silentLooks = 0;
    const look = () => {
      if (framesOut === this.#framesOut) this.#transport.send(HEARTBEAT_FRAME);
      framesOut = this.#framesOut;
      silentLooks = chunksIn === this.#chunksIn ? silentLooks + 1 : 0;
      chunksIn = this.#chunksIn;
      if (silentLooks >= HEARTBEATS_MISSED_MAX * LOOKS_PER_HEARTBEAT) {
        this.destroy(
          new ConnectionLost(`${this.#where} was silent for ${HEARTBEATS_MISSED_MAX * heartbeatMs} ms`),
        );
      }
    };
    this.#heartbeat = setInterval(look, Math.max(1, heartbeatMs / LOOKS_PER_HEARTBEAT)).unref();
  }

  #ended(cause: Error | undefined, failure: ConnectFailure | undefined): void {
    clearTimeout(this.#handshakeTimer);
    clearInterval(this.#heartbeat);
    this.#closed = true;
    const error = this.#lostError(cause, this.#welcome === undefined ? failure : undefined);
    this.#requests.refuseAll(error);
    this.#handlers.closed(error);
  }

  #lostError(cause: Error | undefined, failure?: ConnectFailure): SimpleMQError {
    if (this.#fault !== undefined) return this.#fault;
    const code = codeOf(cause) ?? cause?.message;
    const details = {
      address: this.#where,
      ...(code !== undefined && { cause: code }),
      ...(failure !== undefined && { failure: failure.kind, reason: failure.reason }),
    };
    this.#fault = new ConnectionLost(
      `the connection to ${this.#where} was lost${code === undefined ? '' : ` (${code})`}`,
      { details, cause },
    );
    return this.#fault;
  }
}
