export interface HeartbeatPeer {
  heartbeat(nowMs: number, heartbeatMs: number): void;
}

/** One timer for the heartbeats of all connections, so that an idle one costs a few comparisons a second. */
export class Heartbeats {
  readonly #timer: NodeJS.Timeout;

  constructor(peers: Iterable<HeartbeatPeer>, heartbeatMs: number) {
    // A peer that was quiet for three quarters of heartbeatMs sends now, as the next look comes a quarter later.
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      for (const peer of peers) peer.heartbeat(nowMs, heartbeatMs);
    }, heartbeatMs / 4).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
