import {
  decodePendingReply,
  decodeStreamCreated,
  decodeStreamInfoReply,
  decodeStreamPurged,
  decodeStreamsListed,
  encodeCreateStream,
  encodeDeleteStream,
  encodeListStreams,
  encodePending,
  encodePurgeStream,
  encodeStreamInfo,
  Opcode,
  type PendingRange,
  type StreamOptions,
  type StreamSummary,
  type WelcomeLimits,
} from '@simplemq/protocol';
import type { Bind } from './bind.ts';
import type { Connection } from './connection/connection.ts';
import { type ConnectionCore, coreOf } from './connection/core.ts';
import { openSession } from './connection/open-session.ts';

/** What the broker tells of itself when a connection opens. */
export interface SessionInfo {
  readonly server: string;
  readonly version: number;
  readonly limits: WelcomeLimits;
  readonly features: readonly string[];
}

export interface PendingFilter {
  /** Default workers. */
  group?: string;
  /** Only what this follower holds. */
  follower?: number;
  /** Only what was delivered at least so many milliseconds ago. */
  idleMs?: number;
  /** At most so many messages. Default 1,000. */
  limit?: number;
}

/** A message that was delivered and is not acked. */
export interface PendingMessage {
  readonly sequence: number;
  /** Who has the lease; undefined while the message waits for its redelivery. */
  readonly follower: number | undefined;
  /** The name of that follower's client. */
  readonly client: string | undefined;
  readonly attempt: number;
  /** Milliseconds since its delivery. */
  readonly idleMs: number;
}

const PENDING_LIMIT = 1_000;

/** The management object: streams and pending entries. Every method rejects with RequestTimeout or ConnectionLost. */
export class Cursor {
  readonly #core: ConnectionCore;
  readonly #open = new Set<Promise<unknown>>();

  constructor(connection: Connection) {
    this.#core = coreOf(connection);
  }

  /** Connects, where that was not done yet, and tells what the broker is and can do. */
  session(): Promise<SessionInfo> {
    return this.#track(openSession(this.#core.link)).then(({ server, version, limits, features }) => ({
      server,
      version,
      limits,
      features,
    }));
  }

  /**
   * Creates a stream. One that is there with the same options is left as it is.
   *
   * @returns whether it was created now
   * @throws StreamConflict naming the option that differs; InvalidName, InvalidOption, TooManyStreams
   */
  async createStream(name: string, options: StreamOptions = {}): Promise<boolean> {
    const reply = await this.#send(
      Opcode.CreateStream,
      `to create the stream '${name}'`,
      (id) => encodeCreateStream(id, { stream: name, options }),
      decodeStreamCreated,
    );
    return reply.created;
  }

  /**
   * Deletes a stream with its messages and groups.
   *
   * @throws StreamNotFound; ConnectionLost when the connection went before the answer, and the stream may be gone
   */
  async deleteStream(name: string): Promise<void> {
    await this.#send(
      Opcode.DeleteStream,
      `to delete the stream '${name}'`,
      (id) => encodeDeleteStream(id, { stream: name }),
      () => undefined,
      false,
    );
  }

  /**
   * Removes every message of a stream; its sequence numbers go on.
   *
   * @returns how many went
   * @throws StreamNotFound
   */
  async purgeStream(name: string): Promise<number> {
    const reply = await this.#send(
      Opcode.PurgeStream,
      `to purge the stream '${name}'`,
      (id) => encodePurgeStream(id, { stream: name }),
      decodeStreamPurged,
    );
    return reply.messages;
  }

  /** The streams that the bind matches, by name; without one all but the broker's own. */
  async listStreams(bind?: Bind): Promise<StreamSummary[]> {
    const streams: StreamSummary[] = [];
    for (let more = true; more; ) {
      const after = streams.at(-1)?.name;
      const request = { ...(bind && { bind: bind.wire }), ...(after !== undefined && { after }) };
      const page = await this.#send(
        Opcode.ListStreams,
        'to list the streams',
        (id) => encodeListStreams(id, request),
        decodeStreamsListed,
      );
      streams.push(...page.streams);
      more = page.more && page.streams.length > 0;
    }
    return streams;
  }

  /** @throws StreamNotFound */
  streamInfo(name: string): Promise<StreamSummary> {
    return this.#send(
      Opcode.StreamInfo,
      `for the stream '${name}'`,
      (id) => encodeStreamInfo(id, { stream: name }),
      decodeStreamInfoReply,
    );
  }

  /**
   * The messages of a group that were delivered and not acked, by sequence number.
   *
   * @throws StreamNotFound, GroupNotFound
   */
  async pending(stream: string, filter: PendingFilter = {}): Promise<PendingMessage[]> {
    const { limit = PENDING_LIMIT, ...rest } = filter;
    const messages: PendingMessage[] = [];
    for (let more = true; more && messages.length < limit; ) {
      const after = messages.at(-1)?.sequence;
      const request = {
        stream,
        ...rest,
        limit: limit - messages.length,
        ...(after !== undefined && { after }),
      };
      const page = await this.#send(
        Opcode.Pending,
        `for the pending entries of '${stream}'`,
        (id) => encodePending(id, request),
        decodePendingReply,
      );
      for (const range of page.entries) appendMessages(messages, range, limit);
      more = page.more && page.entries.length > 0;
    }
    return messages;
  }

  /** Waits for the requests that this cursor has open. The connection stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#open);
  }

  #send<R>(
    opcode: number,
    what: string,
    encode: (id: number) => Buffer,
    decode: (payload: Buffer) => R,
    repeatable = true,
  ): Promise<R> {
    return this.#track(this.#core.requests.send({ what, opcode, encode, decode, repeatable }));
  }

  #track<R>(promise: Promise<R>): Promise<R> {
    this.#open.add(promise);
    const done = () => this.#open.delete(promise);
    promise.then(done, done);
    return promise;
  }
}

function appendMessages(messages: PendingMessage[], range: PendingRange, limit: number): void {
  const { first, last, follower, client, attempt, idleMs } = range;
  for (let sequence = first; sequence <= last && messages.length < limit; sequence++) {
    messages.push({ sequence, follower, client, attempt, idleMs });
  }
}
