import { InvalidOption, type SimpleMQError } from '@simplemq/protocol';
import { Pattern } from '../routing/pattern.ts';
import type { Stream } from '../stream/stream.ts';
import { EmbeddedFollower } from './embedded-follower.ts';
import type { FollowerSink, FollowRequest } from './engine.ts';
import { DEFAULT_GROUP, type StreamRegistry } from './stream-registry.ts';

export const LEASE_MS_DEFAULT = 30_000;
const LEASE_MS_MIN = 100;
const LEASE_MS_MAX = 24 * 60 * 60 * 1000;

/** The followers of an engine, and which streams they follow as streams come and go. */
export class FollowerSet {
  readonly #registry: StreamRegistry;
  readonly #durable: () => Promise<void>;
  readonly #followers = new Set<EmbeddedFollower>();
  #nextId = 1;

  /** @param durable resolves when all that has changed by now is durable */
  constructor(registry: StreamRegistry, durable: () => Promise<void>) {
    this.#registry = registry;
    this.#durable = durable;
  }

  open(
    { bind, client, leaseMs = LEASE_MS_DEFAULT, upTo, bytesUpTo }: FollowRequest,
    sink: FollowerSink,
  ): EmbeddedFollower {
    checkLease(leaseMs);
    const streams = this.#registry.match(bind);
    const follower = new EmbeddedFollower({
      id: this.#nextId++,
      client,
      leaseMs,
      ...('pattern' in bind ? { pattern: new Pattern(bind.pattern) } : {}),
      sink,
      durable: this.#durable,
      onClosed: (closed) => this.#followers.delete(closed),
    });
    this.#followers.add(follower);
    for (const stream of streams) this.#join(follower, stream);
    // Deliveries begin in a later turn, when the caller has the follower's id.
    setImmediate(() => follower.start(upTo, bytesUpTo));
    return follower;
  }

  streamCreated(stream: Stream): void {
    for (const follower of this.#followers) {
      if (follower.pattern?.matches(stream.name)) this.#join(follower, stream);
    }
  }

  streamDeleted(name: string, reason: SimpleMQError): void {
    for (const follower of this.#followers) {
      if (follower.isOnly(name)) follower.end(reason);
      else follower.drop(name);
    }
  }

  endAll(reason: SimpleMQError): void {
    for (const follower of this.#followers) follower.halt();
    for (const follower of [...this.#followers]) follower.end(reason);
  }

  #join(follower: EmbeddedFollower, stream: Stream): void {
    const group = this.#registry.group(stream, DEFAULT_GROUP);
    follower.join(group);
    // A follower without credit yet is told once it has some.
    follower.waitFor(group);
    group.dispatch();
  }
}

function checkLease(leaseMs: number): void {
  if (leaseMs >= LEASE_MS_MIN && leaseMs <= LEASE_MS_MAX) return;
  throw new InvalidOption(`leaseMs is ${leaseMs}; it must be ${LEASE_MS_MIN} to ${LEASE_MS_MAX}`, {
    details: { option: 'leaseMs' },
  });
}
