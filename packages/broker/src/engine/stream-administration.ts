import {
  checkName,
  checkNewName,
  type ListStreams,
  type Pending,
  type PendingReply,
  StorageFull,
  StreamNotFound,
  type StreamOptions,
  type StreamSummary,
  type StreamsListed,
  TooManyStreams,
  Unsupported,
} from '@simplemq/protocol';
import type { Committer } from '../commit/committer.ts';
import { pendingReply } from '../group/pending-reply.ts';
import type { Stream } from '../stream/stream.ts';
import { checkSameSettings, streamSettings } from '../stream/stream-settings.ts';
import type { EngineEvent } from './events.ts';
import type { FollowerSet } from './follower-set.ts';
import { DEFAULT_GROUP, type StreamRegistry } from './stream-registry.ts';

const LIST_LIMIT_MAX = 1_000;

export interface StreamAdministrationOptions {
  readonly registry: StreamRegistry;
  readonly committer: Committer;
  readonly followers: FollowerSet;
  readonly defaultStorage: 'file' | 'memory';
  readonly streamsMax: number;
  readonly onEvent: (event: EngineEvent) => void;
}

/** What a cursor does with streams: each change is durable when its promise resolves. */
export class StreamAdministration {
  readonly #options: StreamAdministrationOptions;
  readonly #registry: StreamRegistry;
  readonly #committer: Committer;

  constructor(options: StreamAdministrationOptions) {
    this.#options = options;
    this.#registry = options.registry;
    this.#committer = options.committer;
  }

  /** @returns whether it was created now */
  async create(name: string, options: StreamOptions): Promise<boolean> {
    checkNewName('stream', name);
    const settings = streamSettings(options, this.#options.defaultStorage);
    const existing = this.#registry.get(name);
    if (existing !== undefined) {
      checkSameSettings(existing, settings);
      await this.#created(existing);
      return false;
    }
    const { streamsMax, onEvent } = this.#options;
    if (this.#registry.size >= streamsMax) {
      throw new TooManyStreams(
        `there are ${streamsMax} streams, as many as limits.maxStreams allows; delete some or raise it`,
      );
    }
    const stream = this.#registry.create(name, settings);
    this.#committer.open.createdStreams.push(stream);
    this.#options.followers.streamCreated(stream);
    await this.#created(stream);
    onEvent({ type: 'streamCreated', stream: name });
    return true;
  }

  async delete(name: string): Promise<void> {
    const stream = this.#registry.find(name);
    this.#registry.remove(stream);
    this.#options.followers.streamDeleted(
      name,
      new StreamNotFound(`the stream '${name}' was deleted`, { details: { stream: name } }),
    );
    this.#committer.open.deletedStreams.push(stream);
    await this.#committer.settled();
    this.#options.onEvent({ type: 'streamDeleted', stream: name });
  }

  /** @returns how many messages went */
  async purge(name: string): Promise<number> {
    const stream = this.#registry.find(name);
    // What was published before this call is to go too: it has to be durable first.
    await this.#committer.settled();
    const { messages } = stream;
    this.#committer.open.purged.set(stream, stream.durableNext);
    stream.messages = 0;
    // The group of a stream that nobody has followed yet would begin with what is gone.
    this.#registry.group(stream, DEFAULT_GROUP);
    for (const group of stream.groups.values()) {
      group.ledger.purge(stream.durableNext);
      this.#committer.changed(group, true);
    }
    await this.#committer.settled();
    this.#options.onEvent({ type: 'streamPurged', stream: name, messages });
    return messages;
  }

  list({ bind, after = '', limit = LIST_LIMIT_MAX }: ListStreams): StreamsListed {
    const matching = bind === undefined ? this.#registry.listed() : this.#registry.match(bind);
    const streams = matching.filter(({ name }) => name > after);
    streams.sort((a, b) => (a.name < b.name ? -1 : 1));
    const page = streams.slice(0, Math.min(limit, LIST_LIMIT_MAX));
    return { streams: page.map((stream) => stream.summary()), more: streams.length > page.length };
  }

  info(name: string): StreamSummary {
    return this.#registry.find(name).summary();
  }

  pending(request: Pending): PendingReply {
    const stream = this.#registry.find(request.stream);
    checkGroup(request.group);
    return pendingReply(stream.groups.get(DEFAULT_GROUP), request);
  }

  /** Resolves when the stream is durable; it may have been refused for want of room. */
  async #created(stream: Stream): Promise<void> {
    await this.#committer.settled();
    if (!stream.isDeleted) return;
    throw new StorageFull(`there is no room in the storage for the stream '${stream.name}'`);
  }
}

/** @throws Unsupported for any group but the default one */
export function checkGroup(group: string | undefined): void {
  if (group === undefined || group === DEFAULT_GROUP) return;
  checkName('group', group);
  throw new Unsupported(
    `this broker has no named groups: it has '${DEFAULT_GROUP}', and '${group}' was asked for`,
    { details: { feature: 'groups' } },
  );
}
