import type { DeliveredRun, EngineFollower, FollowerSink } from '@simplemq/broker';
import {
  encodeBatchHead,
  encodeDeliverHead,
  encodeFollowerEnded,
  encodeFollowing,
  type SimpleMQError,
} from '@simplemq/protocol';

/** What a follower needs of its connection. */
export interface FollowerHost {
  /** False when the connection takes no deliveries any more. */
  readonly isDelivering: boolean;
  /** Whether the client is to read first. */
  readonly isFull: boolean;
  /** @returns false when the client is to read first */
  send(...pieces: Uint8Array[]): boolean;
  followerEnded(id: number): void;
}

/** One follower of a connection: the engine's handle, and the sink that the engine fills. */
export class SessionFollower implements FollowerSink {
  readonly #host: FollowerHost;
  #engineFollower: EngineFollower | undefined;
  /** Runs that came before FOLLOWING was sent; undefined once it was. The first one makes the engine wait. */
  #early: DeliveredRun[] | undefined = [];
  /** Why it was over before it began. */
  #endedEarly: SimpleMQError | undefined;
  #isBlocked = false;
  #isOver = false;

  constructor(host: FollowerHost) {
    this.#host = host;
  }

  /** Sends FOLLOWING, and only then what may have come already: a client must know a follower before its messages. */
  begin(requestId: number, engineFollower: EngineFollower): void {
    this.#engineFollower = engineFollower;
    const { id, leaseMs } = engineFollower;
    this.#host.send(encodeFollowing(requestId, { follower: id, leaseMs }));
    const early = this.#early ?? [];
    this.#early = undefined;
    if (this.#endedEarly !== undefined) this.ended(this.#endedEarly);
    else if (early.length > 0) {
      for (const run of early) this.#send(engineFollower, run);
      this.#isBlocked = true;
      this.resume();
    }
  }

  isFull(): boolean {
    if (!this.#host.isFull) return false;
    this.#isBlocked = true;
    return true;
  }

  deliver(run: DeliveredRun): boolean {
    if (this.#isOver || !this.#host.isDelivering) return false;
    const engineFollower = this.#engineFollower;
    if (engineFollower === undefined) {
      this.#early?.push(run);
      return false;
    }
    const goesOn = this.#send(engineFollower, run);
    if (!goesOn) this.#isBlocked = true;
    return goesOn;
  }

  ended(reason: SimpleMQError): void {
    if (this.#isOver) return;
    if (this.#engineFollower === undefined) {
      this.#endedEarly = reason;
      return;
    }
    this.#isOver = true;
    // A server that stops says so for the connection as a whole, and the client's followers resume elsewhere or later.
    if (reason.code === 'ServerClosing' || reason.code === 'StorageFailed') return;
    this.#host.followerEnded(this.#engineFollower.id);
    this.#host.send(encodeFollowerEnded({ follower: this.#engineFollower.id, error: reason }));
  }

  /** The client has read: deliveries go on. */
  resume(): void {
    if (!this.#isBlocked || this.#isOver) return;
    this.#isBlocked = false;
    this.#engineFollower?.resume();
  }

  /** It leaves: what it holds goes back to the group at once. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#engineFollower?.close();
  }

  /** Its connection has ended. */
  lose(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#engineFollower?.lose();
  }

  #send(engineFollower: EngineFollower, run: DeliveredRun): boolean {
    const { stream, first, attempt, time, count, flags, shared, records } = run;
    const batchHead = encodeBatchHead(count, flags, shared, records);
    const deliver = { follower: engineFollower.id, stream, first, attempt, time };
    const head = encodeDeliverHead(deliver, batchHead.length + records.length);
    return this.#host.send(head, batchHead, records);
  }
}
