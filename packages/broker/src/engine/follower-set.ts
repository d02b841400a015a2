import { type GroupOptions, InvalidOption, type SimpleMQError } from '@simplemq/protocol';
import type { Group } from '../group/group.ts';
import { Pattern } from '../routing/pattern.ts';
import type { Stream } from '../stream/stream.ts';
import { EmbeddedFollower } from './embedded-follower.ts';
import type { FollowerSink, FollowRequest } from './engine.ts';
import type { GroupAdministration } from './group-administration.ts';
import { DEFAULT_GROUP, type StreamRegistry } from './stream-registry.ts';

export const LEASE_MS_DEFAULT = 30_000;
const LEASE_MS_MIN = 100;
const LEASE_MS_MAX = 24 * 60 * 60 * 1000;

export interface FollowerSetOptions {
  readonly registry: StreamRegistry;
  readonly groups: GroupAdministration;
  /** Resolves when all that has changed by now is durable. */
  readonly durable: () => Promise<void>;
}

/** The followers of an engine, and which streams they follow as streams come and go. */
export class FollowerSet {
  readonly #registry: StreamRegistry;
  readonly #groups: GroupAdministration;
  readonly #durable: () => Promise<void>;
  readonly #followers = new Set<EmbeddedFollower>();
  #nextId = 1;

  constructor({ registry, groups, durable }: FollowerSetOptions) {
    this.#registry = registry;
    this.#groups = groups;
    this.#durable = durable;
  }

  /** @throws StreamNotFound, InvalidOption, InvalidName, StreamConflict when a group has other options than asked for */
  async open(request: FollowRequest, sink: FollowerSink): Promise<EmbeddedFollower> {
    const {
      bind,
      leaseMs = LEASE_MS_DEFAULT,
      group = DEFAULT_GROUP,
      startFrom = 'first',
      options = {},
      visible,
    } = request;
    checkLease(leaseMs);
    const pattern = 'pattern' in bind ? new Pattern(bind.pattern) : undefined;
    const before = this.#registry.match(bind, visible);
    await Promise.all(before.map((stream) => this.#groups.ensure(stream, group, startFrom, options)));
    // Streams may have come and gone meanwhile: those that came begin at their first message anyway.
    const streams = this.#registry.match(bind, visible);
    const follower = new EmbeddedFollower({
      id: this.#nextId++,
      client: request.client,
      leaseMs,
      group,
      groupOptions: options,
      ...(pattern && { pattern }),
      ...(visible && { visible }),
      sink,
      durable: this.#durable,
      onClosed: (closed) => this.#followers.delete(closed),
    });
    this.#followers.add(follower);
    for (const stream of streams) this.#join(follower, stream, options);
    // Deliveries begin in a later turn, when the caller has the follower's id.
    setImmediate(() => follower.start(request.upTo, request.bytesUpTo));
    return follower;
  }

  streamCreated(stream: Stream): void {
    for (const follower of this.#followers) {
      if (follower.follows(stream.name)) this.#join(follower, stream, follower.groupOptions);
    }
  }

  streamDeleted(stream: Stream, reason: SimpleMQError): void {
    for (const follower of [...this.#followers]) {
      // There may be another of that name by now, which it follows.
      if (!follower.isOn(stream)) continue;
      if (follower.isOnly(stream.name)) follower.end(reason);
      else follower.drop(stream.name);
    }
  }

  groupDeleted(stream: Stream, group: Group, reason: SimpleMQError): void {
    for (const follower of [...this.#followers]) {
      if (!follower.isIn(group)) continue;
      if (follower.isOnly(stream.name)) follower.end(reason);
      else follower.drop(stream.name);
    }
  }

  groupReset(group: Group): void {
    for (const follower of this.#followers) follower.groupReset(group);
  }

  endAll(reason: SimpleMQError): void {
    for (const follower of this.#followers) follower.halt();
    for (const follower of [...this.#followers]) follower.end(reason);
  }

  #join(follower: EmbeddedFollower, stream: Stream, options: GroupOptions): void {
    this.#groups.ensureAtStart(stream, follower.group, options);
    const group = stream.groups.get(follower.group)!;
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
