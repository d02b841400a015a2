import type { Engine, EngineFollower, FollowRequest } from '@simplemq/broker';
import { FollowerNotFound, TooManyFollowers } from '@simplemq/protocol';
import { type FollowerHost, SessionFollower } from './session-follower.ts';

interface Entry {
  readonly follower: SessionFollower;
  readonly engine: EngineFollower;
}

/** The followers of one connection, by the id that the engine gave them. */
export class SessionFollowers {
  readonly #host: FollowerHost;
  readonly #maxFollowers: number;
  readonly #entries = new Map<number, Entry>();
  #opening = 0;
  #isClosed = false;

  constructor(host: FollowerHost, maxFollowers: number) {
    this.#host = host;
    this.#maxFollowers = maxFollowers;
  }

  /** Settles when FOLLOWING was sent. */
  async open(engine: Engine, request: FollowRequest, requestId: number): Promise<void> {
    if (this.#entries.size + this.#opening >= this.#maxFollowers) {
      throw new TooManyFollowers(
        `this connection has ${this.#maxFollowers} followers, as many as one may have ` +
          '(limits.maxFollowersPerConnection); end one, or use another connection',
        { details: { limit: 'maxFollowersPerConnection' } },
      );
    }
    const follower = new SessionFollower(this.#host);
    this.#opening++;
    try {
      const engineFollower = await engine.follow(request, follower);
      if (this.#isClosed) return engineFollower.lose();
      this.#entries.set(engineFollower.id, { follower, engine: engineFollower });
      follower.begin(requestId, engineFollower);
    } finally {
      this.#opening--;
    }
  }

  find(id: number): EngineFollower | undefined {
    return this.#entries.get(id)?.engine;
  }

  /** @throws FollowerNotFound */
  get(id: number): EngineFollower {
    return this.#entries.get(id)?.engine ?? notFound(id);
  }

  /** @throws FollowerNotFound */
  close(id: number): void {
    const { follower } = this.#entries.get(id) ?? notFound(id);
    this.#entries.delete(id);
    follower.close();
  }

  /** It has ended by itself. */
  forget(id: number): void {
    this.#entries.delete(id);
  }

  /** The connection has ended. */
  loseAll(): void {
    this.#isClosed = true;
    for (const { follower } of this.#entries.values()) follower.lose();
    this.#entries.clear();
  }

  resumeAll(): void {
    for (const { follower } of this.#entries.values()) follower.resume();
  }
}

function notFound(id: number): never {
  throw new FollowerNotFound(
    `this connection has no follower ${id}; it has ended, or is another connection's`,
  );
}
