export interface HeartbeatPeer {
  heartbeat(nowMs: number): void;
}

/** One timer for the heartbeats of all connections, so that an idle one costs a few comparisons a second. */
export class Heartbeats {
  readonly #peers: Iterable<HeartbeatPeer>;
  #timer: NodeJS.Timeout | undefined;
  #heartbeatMs = Number.POSITIVE_INFINITY;

  constructor(peers: Iterable<HeartbeatPeer>, heartbeatMs: number) {
    this.#peers = peers;
    this.look(heartbeatMs);
  }

  /** Looks often enough for this heartbeat from now on, and still for those that connections were told before. */
  look(heartbeatMs: number): void {
    if (heartbeatMs >= this.#heartbeatMs) return;
    this.#heartbeatMs = heartbeatMs;
    clearInterval(this.#timer);
    // A peer that was quiet for three quarters of heartbeatMs sends now, as the next look comes a quarter later.
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      // After what the system holds was read: the event loop may have been busy for long, and the clients not silent.
      setImmediate(() => {
        for (const peer of this.#peers) peer.heartbeat(nowMs);
      });
    }, heartbeatMs / 4).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
