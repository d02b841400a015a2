import type { Socket } from 'node:net';
import type { Engine } from '@simplemq/broker';
import {
  beginningOf,
  encodeClosing,
  encodeError,
  type Frame,
  FrameDecoder,
  HANDSHAKE_BYTES_MAX,
  HEARTBEAT_FRAME,
  Opcode,
  opcodeName,
  ProtocolViolation,
  SERVER_FEATURES,
  SimpleMQError,
  StorageFailed,
  TooManyLogins,
  Unauthenticated,
} from '@simplemq/protocol';
import type { Logger } from 'pino';
import { Access } from '../access/access.ts';
import { isLoopback } from '../listener/addresses.ts';
import type { AuditLog } from '../logs/audit-log.ts';
import type { Settings } from '../settings/settings.ts';
import type { Logins } from '../users/logins.ts';
import { endMsOf } from '../users/tokens.ts';
import type { Login, Users } from '../users/users.ts';
import { foreignProtocol, HTTP_ANSWER } from './foreign-protocol.ts';
import { acceptHello, credentialsOf, type Peer, welcomeOf } from './handshake.ts';
import { Intake, type IntakeTotal } from './intake.ts';
import { HANDLERS, LARGE_ANSWERS, WHILE_CLOSING } from './requests/handlers.ts';
import type { Operation, RequestContext, RequestHandler } from './requests/request.ts';
import { SessionBackups } from './session-backups.ts';
import type { FollowerHost } from './session-follower.ts';
import { SessionFollowers } from './session-followers.ts';
import { SocketWriter } from './socket-writer.ts';

/** What all sessions of a server share. */
export interface SessionShared {
  readonly engine: Engine;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly intake: IntakeTotal;
  readonly users: Users;
  readonly logins: Logins;
  readonly audit: AuditLog;
  readonly operation: Operation;
  /** Name and version of the server, for people. */
  readonly serverName: string;
  readonly onClosed: (session: Session) => void;
}

/**
 * handshake → open → draining → ending → closed. `draining`: the server shuts down, what was taken is answered.
 * `ending`: the last bytes are on their way, what comes is discarded.
 */
type State = 'handshake' | 'open' | 'draining' | 'ending' | 'closed';

/** How long a client whose rights have changed has to settle what it holds, before its connection is closed. */
const REOPEN_MS = 250;
/** How long a client has to take the last bytes before its connection is cut. */
const LINGER_MS = 1_000;
const REQUEST_OVERHEAD_BYTES = 256;
/** What came of one client is carried out for so long before it is the others' turn. */
const TURN_MS = 8;
/** Chunks that come so soon after each other are of one turn. */
const TURN_GAP_MS = 1;
/** The clock is looked at after so many frames. */
const FRAMES_PER_LOOK = 8;
/** Characters of the reason for which a connection ended that the log has: it can have what the client sent in it. */
const REASON_SHOWN_MAX = 300;
/** The audit log tells of these, and adds up those that come in numbers. */
const AUDITED: ReadonlySet<string> = new Set(['Unauthenticated', 'TooManyLogins']);
const NOTHING: Buffer = Buffer.alloc(0);

/**
 * One connection. Whatever a client sends, and whatever goes wrong while it is served, ends at most this connection.
 */
export class Session implements FollowerHost {
  readonly #id: number;
  readonly #socket: Socket;
  readonly #shared: SessionShared;
  readonly #address: string;
  readonly #writer: SocketWriter;
  readonly #decoder: FrameDecoder;
  readonly #intake: Intake;
  readonly #openedMs: number = performance.now();
  /** As the client was told, whatever is set later. */
  readonly #heartbeatMs: number;
  #lastReceivedMs: number = this.#openedMs;
  #turnBeganMs: number = this.#openedMs;
  #turnEndedMs: number = this.#openedMs;
  #frames = 0;
  #state: State = 'handshake';
  #timer: NodeJS.Timeout | undefined;
  /** The first bytes of the connection, for as long as it may turn out to speak another protocol. */
  #firstBytes: Buffer = NOTHING;
  /** What requests are carried out with; there once the client is welcome. */
  #context: RequestContext | undefined;
  /** A HELLO's password is being checked. */
  #isChecking = false;
  /** What came behind that HELLO, and is not carried out yet. */
  readonly #early: Frame[] = [];
  /** Who is on the other side, and what they may do; undefined where there are no users. */
  #login: Login | undefined;
  #access: Access | undefined;
  #failure: SimpleMQError | undefined;
  /** Whether the log has been told already why it was refused. */
  #isAudited = false;
  #reason = 'closed by the client';

  constructor(id: number, socket: Socket, shared: SessionShared) {
    this.#id = id;
    this.#socket = socket;
    this.#shared = shared;
    this.#address = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? '?'}`;
    this.#heartbeatMs = shared.settings.heartbeatMs;
    this.#writer = new SocketWriter(socket);
    this.#decoder = new FrameDecoder({ frameBytesMax: HANDSHAKE_BYTES_MAX });
    this.#intake = new Intake(socket, shared.intake, () => this.#goOn());
    this.#timer = setTimeout(() => this.#handshakeTimedOut(), shared.settings.handshakeTimeoutMs).unref();
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('timeout', () => this.#stuck());
    socket.on('error', (error) => {
      this.#reason = `connection lost: ${error.message}`;
    });
    socket.on('close', () => this.#closed());
    socket.resume();
  }

  get isDelivering(): boolean {
    return this.#state === 'open';
  }

  get isFull(): boolean {
    return this.#writer.isFull;
  }

  send(...pieces: Uint8Array[]): boolean {
    if (this.#state === 'closed' || this.#state === 'ending') return false;
    this.#writer.write(...pieces);
    this.#checkOutgoing();
    return !this.#writer.isFull;
  }

  /** Sends the answer to a request. Past a number of answers that are not read no more requests are carried out. */
  #answer(frame: Uint8Array): void {
    if (this.#state === 'closed' || this.#state === 'ending') return;
    this.#writer.answer(frame);
    this.#checkOutgoing();
    if (!this.#writer.isUnread) return;
    this.#intake.waitForReader();
    this.#socket.setTimeout(3 * this.#heartbeatMs);
  }

  #checkOutgoing(): void {
    const { maxOutgoingBytes } = this.#shared.settings.limits;
    if (this.#writer.pendingBytes <= maxOutgoingBytes) return;
    this.#cut(`the client does not read: more than ${maxOutgoingBytes} bytes wait (limits.maxOutgoingBytes)`);
  }

  /** The client's system has taken all that was written. */
  #drained(): void {
    this.#writer.drained();
    this.#socket.setTimeout(0);
    if (this.#state === 'ending' || this.#state === 'closed') return;
    this.#intake.hasRead();
    this.#context?.followers.resumeAll();
  }

  /** For so long the client's system has taken nothing of what is written, and its answers wait. */
  #stuck(): void {
    if (!this.#writer.isUnread) return;
    const { pendingBytes } = this.#writer;
    const silence = `it has taken none of them for 3 heartbeats of ${this.#heartbeatMs} ms`;
    this.#cut(`the client does not read: ${pendingBytes} bytes wait, and ${silence}`);
  }

  followerEnded(id: number): void {
    this.#context?.followers.forget(id);
  }

  /** Called a few times in each heartbeatMs. */
  heartbeat(nowMs: number): void {
    const heartbeatMs = this.#heartbeatMs;
    if (this.#state !== 'open' && this.#state !== 'draining') return;
    if (this.#login?.token !== undefined && endMsOf(this.#login.token) <= Date.now()) {
      this.refuse(new Unauthenticated('the token has come to its end; connect with another one'));
      return;
    }
    // While the client is not read its silence says nothing.
    if (this.#intake.isPaused) this.#lastReceivedMs = nowMs;
    if (nowMs - this.#lastReceivedMs > 3 * heartbeatMs) {
      this.#cut(`the client was silent for more than 3 heartbeats of ${heartbeatMs} ms`);
    }
    const isQuiet = this.#writer.pendingBytes === 0 && nowMs - this.#writer.lastWriteMs >= heartbeatMs * 0.75;
    if (isQuiet) this.send(HEARTBEAT_FRAME);
  }

  /** Answers the connection as a whole with `error`, and closes. */
  refuse(error: SimpleMQError): void {
    this.#failed(0, error);
  }

  /** The users have changed: a client that would not get in any more is closed, and one with other rights opened anew. */
  checkStanding(): void {
    if (this.#state !== 'open' && this.#state !== 'draining') return;
    const standing = this.#shared.users.standing(this.#login);
    if (standing === 'gone') {
      this.refuse(new Unauthenticated('the user, the password or the token is not valid any more'));
    } else if (standing === 'other rights' && this.#state === 'open') {
      const reason = `the rights of the user ${this.#login?.user.name} have changed; connect again`;
      this.drain(reason);
      this.#endOnceAnswered(reason, performance.now() + this.#shared.settings.shutdownTimeoutMs);
    }
  }

  /** What was taken with the former rights is answered: sent again with the new ones it could be told that it was not done. */
  #endOnceAnswered(reason: string, latestMs: number): void {
    this.#timer = setTimeout(() => {
      const isAnswered = this.#intake.requests === 0 || performance.now() >= latestMs;
      if (isAnswered) this.end(reason);
      else this.#endOnceAnswered(reason, latestMs);
    }, REOPEN_MS).unref();
  }

  /** Tells the client that the server closes. With a `failure` every further request is answered with it. */
  drain(reason: string, failure?: SimpleMQError): void {
    if (this.#state === 'handshake') this.end(reason);
    if (this.#state !== 'open') return;
    this.#failure = failure;
    this.#state = 'draining';
    this.send(encodeClosing({ reason }));
  }

  /** Flushes and closes. */
  end(reason: string): void {
    if (this.#state === 'ending' || this.#state === 'closed') return;
    this.#reason = reason;
    this.#state = 'ending';
    this.#context?.followers.loseAll();
    this.#writer.flush();
    this.#socket.end();
    // It is read on, and discarded: a socket that is closed with bytes unread resets, and our last words would be lost.
    this.#intake.release();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
  }

  /** Closes without another word. */
  destroy(reason: string): void {
    this.#cut(reason);
  }

  #received(chunk: Buffer): void {
    if (this.#state === 'ending' || this.#state === 'closed') return;
    const nowMs = performance.now();
    this.#lastReceivedMs = nowMs;
    if (nowMs - this.#turnEndedMs > TURN_GAP_MS) this.#turnBeganMs = nowMs;
    if (this.#state === 'handshake' && this.#firstBytes.length < 4) {
      this.#firstBytes = Buffer.concat([this.#firstBytes, chunk.subarray(0, 4)]);
    }
    try {
      this.#decoder.push(chunk, this.#onFrame);
      if (this.#state === 'handshake' && this.#socket.bytesRead > HANDSHAKE_BYTES_MAX) {
        throw new ProtocolViolation(`more than ${HANDSHAKE_BYTES_MAX} bytes came before HELLO was answered`);
      }
    } catch (error) {
      this.#failed(0, error);
    }
    this.#turnEndedMs = performance.now();
  }

  /** Carries out what was received and kept, in order. */
  #goOn(): void {
    if (this.#state === 'ending' || this.#state === 'closed') return;
    this.#turnBeganMs = performance.now();
    try {
      while (!this.#isChecking && this.#early.length > 0) {
        if (this.#onFrame(this.#early.shift()!) !== true) return;
      }
      this.#decoder.goOn(this.#onFrame);
    } catch (error) {
      this.#failed(0, error);
    }
    this.#turnEndedMs = performance.now();
    if (!this.#intake.isPaused) this.#socket.resume();
  }

  /** @returns whether the next frame is wanted */
  readonly #onFrame = (frame: Frame): boolean | 'later' => {
    const { opcode, requestId, payload } = frame;
    try {
      if (this.#isChecking) this.#early.push(frame);
      else if (this.#context === undefined) this.#hello(opcode, requestId, payload);
      else if (opcode !== Opcode.Heartbeat) this.#request(this.#context, frame);
    } catch (error) {
      this.#failed(requestId, error);
    }
    if (this.#state === 'ending' || this.#state === 'closed') return false;
    if (++this.#frames % FRAMES_PER_LOOK === 0 && performance.now() - this.#turnBeganMs > TURN_MS) {
      this.#intake.rest();
    }
    return this.#intake.isPaused ? 'later' : true;
  };

  #hello(opcode: number, requestId: number, payload: Buffer): void {
    const { users, audit } = this.#shared;
    if (opcode !== Opcode.Hello) {
      throw new ProtocolViolation(`the first frame is ${opcodeName(opcode)}; it must be HELLO`);
    }
    const hello = acceptHello(payload, this.#features);
    if (users.areOn && hello.user === undefined) {
      audit.loginRefused({ user: '', address: this.#socket.remoteAddress ?? '?', reason: 'no credentials' });
    }
    const credentials = credentialsOf(hello, users.areOn);
    if (credentials === undefined) {
      this.#open(requestId, hello.peer);
      return;
    }
    this.#isChecking = true;
    const { user } = credentials;
    const address = this.#socket.remoteAddress ?? '?';
    this.#shared.logins
      .check({ ...credentials, address }, () => this.#state === 'handshake')
      .then((login) => {
        if (this.#state !== 'handshake') return;
        audit.loginOk({ connection: this.#id, user, address: this.#address, token: login.token?.name });
        this.#login = login;
        this.#open(requestId, hello.peer);
        this.checkStanding();
        this.#isChecking = false;
        this.#goOn();
      })
      .catch((error: unknown) => this.#failed(requestId, error));
  }

  get #features(): readonly string[] {
    return [...new Set([...this.#shared.engine.features, ...SERVER_FEATURES])];
  }

  #open(requestId: number, peer: Peer): void {
    const { engine, settings, logger, serverName, audit, operation } = this.#shared;
    clearTimeout(this.#timer);
    this.#firstBytes = NOTHING;
    this.#decoder.frameBytesMax = settings.limits.maxFrameBytes;
    const followers = new SessionFollowers(this, settings.limits.maxFollowersPerConnection);
    const backups = new SessionBackups(engine, settings);
    const isLocal = isLoopback(this.#socket.remoteAddress ?? '');
    // A copy: the limits of a connection are those that its client was told.
    const limits = { ...settings.limits };
    const context = { engine, limits, peer, followers, backups, operation, isLocal };
    this.#context = context;
    if (this.#login !== undefined) {
      this.#access = new Access({ user: this.#login.user, address: this.#address, audit, context });
    }
    this.#state = 'open';
    const agreed = { ...settings, heartbeatMs: this.#heartbeatMs };
    this.send(welcomeOf(requestId, serverName, agreed, this.#features));
    const fields = { connection: this.#id, client: peer.client, address: this.#address };
    logger.info({ ...fields, ...this.#userField }, 'connection opened');
  }

  #request(context: RequestContext, frame: Frame): void {
    const { opcode, requestId } = frame;
    const handler = HANDLERS.get(opcode);
    if (handler === undefined) throw notForClients(opcode);
    if (this.#state === 'draining' && !this.#isTakenWhileClosing(opcode, requestId)) return;
    this.#carryOut(handler, this.#access?.contextOf(opcode) ?? context, frame);
  }

  #isTakenWhileClosing(opcode: number, requestId: number): boolean {
    if (this.#failure === undefined) return WHILE_CLOSING.has(opcode);
    if (opcode !== Opcode.Credit) this.#failed(requestId, this.#failure);
    return false;
  }

  #carryOut(handler: RequestHandler, context: RequestContext, { opcode, requestId, payload }: Frame): void {
    const answer = handler(context, requestId, payload);
    if (answer === undefined) return;
    const bytes = payload.length + REQUEST_OVERHEAD_BYTES;
    const isLarge = LARGE_ANSWERS.has(opcode);
    this.#intake.take(bytes, isLarge);
    answer.then(
      (frame) => {
        if (frame !== undefined) this.#answer(frame);
        this.#intake.settle(bytes, isLarge);
      },
      (error: unknown) => {
        this.#failed(requestId, error);
        this.#intake.settle(bytes, isLarge);
      },
    );
  }

  /** Answers with the error, and ends the connection where the error's kind, or its coming so early, says so. */
  #failed(requestId: number, error: unknown): void {
    if (this.#state === 'ending' || this.#state === 'closed') return;
    const isHandshake = this.#state === 'handshake';
    const foreign = isHandshake ? foreignProtocol(this.#firstBytes) : undefined;
    if (foreign !== undefined) {
      this.#refuseForeign(foreign);
      return;
    }
    const known = error instanceof SimpleMQError ? error : this.#unexpected(error);
    this.#answer(encodeError(requestId, known));
    this.#isAudited = isHandshake && AUDITED.has(known.code);
    if (isHandshake || known.closesConnection) this.end(`${known.code}: ${known.message}`);
  }

  #unexpected(error: unknown): SimpleMQError {
    this.#shared.logger.error({ connection: this.#id, err: error }, 'a request failed unexpectedly');
    return new StorageFailed("the server failed unexpectedly on this request; the server's log says more");
  }

  #refuseForeign(protocol: 'HTTP' | 'TLS'): void {
    if (protocol === 'HTTP') this.send(HTTP_ANSWER);
    const hint = protocol === 'TLS' ? '; this port has no TLS (tls.cert, tls.key): connect without it' : '';
    this.end(`the client speaks ${protocol}${hint}`);
  }

  #handshakeTimedOut(): void {
    const { handshakeTimeoutMs } = this.#shared.settings;
    if (this.#isChecking) {
      const why = `the password could not be checked within ${handshakeTimeoutMs} ms (handshakeTimeoutMs); try again`;
      this.#failed(0, new TooManyLogins(why, { details: { retryAfterMs: handshakeTimeoutMs } }));
      return;
    }
    this.#failed(
      0,
      new ProtocolViolation(`no HELLO came within ${handshakeTimeoutMs} ms (handshakeTimeoutMs)`),
    );
  }

  #cut(reason: string): void {
    if (this.#state === 'closed') return;
    if (this.#state !== 'ending') this.#reason = reason;
    this.#state = 'ending';
    this.#socket.destroy();
  }

  #closed(): void {
    if (this.#state === 'open' || this.#state === 'draining') this.#carryOutRest();
    this.#state = 'closed';
    clearTimeout(this.#timer);
    this.#shared.intake.leave(this.#intake);
    // What its followers held goes back to their groups at once.
    this.#context?.followers.loseAll();
    this.#context?.backups.close();
    this.#log();
    this.#shared.onClosed(this);
  }

  /** What it had sent before it went, its acks above all, counts as if nobody had paused. */
  #carryOutRest(): void {
    try {
      for (const frame of this.#early.splice(0)) if (this.#onFrame(frame) === false) return;
      this.#decoder.goOn((frame) => this.#onFrame(frame) !== false);
    } catch {
      // What is no frame ends what has ended.
    }
  }

  #log(): void {
    const { logger } = this.#shared;
    const client = this.#context?.peer.client;
    const reason = beginningOf(this.#reason, REASON_SHOWN_MAX);
    const fields = { connection: this.#id, address: this.#address, reason };
    if (client === undefined) {
      if (this.#isAudited) logger.debug(fields, 'connection refused');
      else logger.warn(fields, 'connection refused');
      return;
    }
    const { bytesRead, bytesWritten } = this.#socket;
    const openMs = Math.round(performance.now() - this.#openedMs);
    logger.info(
      { ...fields, ...this.#userField, client, openMs, bytesRead, bytesWritten },
      'connection closed',
    );
  }

  get #userField(): { readonly user?: string } {
    return this.#login === undefined ? {} : { user: this.#login.user.name };
  }
}

function notForClients(opcode: number): SimpleMQError {
  return new ProtocolViolation(
    opcode === Opcode.Hello
      ? 'HELLO came a second time'
      : `${opcodeName(opcode)} is sent by servers; a client may not send it`,
  );
}
