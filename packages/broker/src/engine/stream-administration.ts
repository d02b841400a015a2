import {
  checkNewName,
  type ListStreams,
  type PurgeStream,
  StorageFull,
  StreamNotFound,
  type StreamOptions,
  type StreamSummary,
  type StreamsListed,
  TooManyStreams,
} from '@simplemq/protocol';
import type { Committer } from '../commit/committer.ts';
import { deadStreamOf } from '../dead-letters/letter.ts';
import type { Retention } from '../stream/retention.ts';
import type { Stream } from '../stream/stream.ts';
import { changedSettings, checkSameSettings, streamSettings } from '../stream/stream-settings.ts';
import type { StreamFilter } from './engine.ts';
import type { EngineEvent } from './events.ts';
import type { FollowerSet } from './follower-set.ts';
import type { StreamRegistry } from './stream-registry.ts';

const LIST_LIMIT_MAX = 1_000;

export interface StreamAdministrationOptions {
  readonly registry: StreamRegistry;
  readonly committer: Committer;
  readonly followers: FollowerSet;
  readonly retention: Retention;
  readonly defaultStorage: 'file' | 'memory';
  readonly streamsMax: number;
  readonly onEvent: (event: EngineEvent) => void;
  /** The settings of a stream are others now. */
  readonly onChanged: (stream: Stream) => void;
  readonly onRemoved: (stream: Stream) => void;
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
      checkSameSettings(name, existing.settings, settings, options);
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
    this.#added(stream);
    await this.#created(stream);
    onEvent({ type: 'streamCreated', stream: name });
    return true;
  }

  /** The dead-letter stream of a stream, made in the open transaction if it is missing. */
  deadStreamOf(stream: Stream): Stream {
    const name = deadStreamOf(stream.name);
    const existing = this.#registry.get(name);
    if (existing !== undefined) return existing;
    const { storage } = stream.settings;
    const dead = this.#registry.create(name, streamSettings({ storage }, this.#options.defaultStorage));
    this.#added(dead);
    return dead;
  }

  async update(name: string, options: StreamOptions): Promise<void> {
    const stream = this.#registry.find(name);
    stream.settings = changedSettings(name, stream.settings, options);
    this.#committer.open.updatedStreams.add(stream);
    this.#options.onChanged(stream);
    await this.#committer.settled();
    this.#options.retention.enforce(stream);
  }

  async delete(name: string): Promise<void> {
    const stream = this.#registry.find(name);
    this.#remove(stream);
    const dead = this.#registry.get(deadStreamOf(name));
    if (dead !== undefined) this.#remove(dead);
    await this.#committer.settled();
    this.#options.onEvent({ type: 'streamDeleted', stream: name });
  }

  /** @returns how many messages went */
  async purge({ stream: name, sequence, time }: PurgeStream): Promise<number> {
    const stream = this.#registry.find(name);
    const messages = await this.#options.retention.purge(stream, {
      ...(sequence !== undefined && { sequence }),
      ...(time !== undefined && { time }),
    });
    this.#options.onEvent({ type: 'streamPurged', stream: name, messages });
    return messages;
  }

  list({ bind, after = '', limit = LIST_LIMIT_MAX }: ListStreams, visible?: StreamFilter): StreamsListed {
    const matching = bind === undefined ? this.#registry.listed() : this.#registry.search(bind, visible);
    const streams = matching.filter(({ name }) => name > after && visible?.(name) !== false);
    streams.sort((a, b) => (a.name < b.name ? -1 : 1));
    const page = streams.slice(0, Math.min(limit, LIST_LIMIT_MAX));
    return { streams: page.map((stream) => stream.summary()), more: streams.length > page.length };
  }

  info(name: string): StreamSummary {
    return this.#registry.find(name).summary();
  }

  #added(stream: Stream): void {
    this.#committer.open.createdStreams.push(stream);
    this.#options.followers.streamCreated(stream);
  }

  #remove(stream: Stream): void {
    this.#registry.remove(stream);
    this.#options.followers.streamDeleted(
      stream,
      new StreamNotFound(`the stream '${stream.name}' was deleted`, { details: { stream: stream.name } }),
    );
    this.#committer.open.deletedStreams.push(stream);
    this.#options.onRemoved(stream);
  }

  /** Resolves when the stream is durable; it may have been refused for want of room. */
  async #created(stream: Stream): Promise<void> {
    await this.#committer.settled();
    if (!stream.isDeleted) return;
    throw new StorageFull(`there is no room in the storage for the stream '${stream.name}'`);
  }
}
