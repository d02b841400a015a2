import { checkName, StreamNotFound, type WireBind } from '@simplemq/protocol';
import { Group, type GroupEvents } from '../group/group.ts';
import { Ledger } from '../group/ledger.ts';
import { windowOf } from '../group/pending-entries.ts';
import { decodeWindowState } from '../group/window-state.ts';
import { Router } from '../routing/router.ts';
import type { Store, StoredGroup, StoredStream, StoreSnapshot } from '../store/store.ts';
import { CacheBudget } from '../stream/cache-budget.ts';
import { Stream, type StreamSettings } from '../stream/stream.ts';
import { StreamLog } from '../stream/stream-log.ts';

/** The group of followers that name none. */
export const DEFAULT_GROUP = 'workers';

export interface StreamRegistryOptions {
  readonly store: Store;
  readonly cacheBytesMax: number;
  readonly snapshot: StoreSnapshot;
  readonly groupEvents: GroupEvents;
}

/** The streams and groups that there are, by name, and who matches what. */
export class StreamRegistry {
  readonly router: Router;
  readonly #streams = new Map<string, Stream>();
  readonly #options: StreamRegistryOptions;
  readonly #budget: CacheBudget;
  #nextStreamId = 1;
  #nextGroupId = 1;

  constructor(options: StreamRegistryOptions) {
    this.#options = options;
    this.#budget = new CacheBudget(options.cacheBytesMax);
    this.router = new Router(this.#streams);
    const { snapshot } = options;
    const byId = new Map<number, Stream>();
    for (const stored of snapshot.streams) {
      const stream = this.#make(stored);
      byId.set(stored.id, stream);
      this.#streams.set(stream.name, stream);
    }
    const windows = Map.groupBy(snapshot.windows, (window) => window.groupId);
    for (const stored of snapshot.groups) {
      const states = new Map((windows.get(stored.id) ?? []).map(({ window, state }) => [window, state]));
      const stream = byId.get(stored.streamId);
      if (stream !== undefined) this.#addGroup(stream, stored, restoreLedger(stored, states));
    }
  }

  get size(): number {
    return this.#streams.size;
  }

  get(name: string): Stream | undefined {
    return this.#streams.get(name);
  }

  /** @throws InvalidName, StreamNotFound */
  find(name: string): Stream {
    const stream = this.#streams.get(name);
    if (stream !== undefined) return stream;
    checkName('stream', name);
    throw new StreamNotFound(`there is no stream '${name}'; create it first`, {
      details: { stream: name },
    });
  }

  /** The streams of a bind; for a pattern there may be none. */
  match(bind: WireBind): Stream[] {
    return 'stream' in bind ? [this.find(bind.stream)] : [...this.router.matches(bind.pattern)];
  }

  /** All but the broker's own. */
  listed(): Stream[] {
    return [...this.#streams.values()].filter(({ name }) => !name.startsWith('$'));
  }

  create(name: string, settings: StreamSettings): Stream {
    const stream = this.#make({
      id: this.#nextStreamId,
      name,
      options: settings,
      createdAt: Date.now(),
      nextSequence: 1,
      messages: 0,
      bytes: 0,
    });
    this.#streams.set(name, stream);
    this.router.added(stream);
    return stream;
  }

  remove(stream: Stream): void {
    stream.isDeleted = true;
    // There may be another of that name by now.
    if (this.#streams.get(stream.name) === stream) this.#streams.delete(stream.name);
    this.router.removed(stream);
    for (const group of stream.groups.values()) group.close();
    stream.log.removeThrough(Number.MAX_SAFE_INTEGER);
  }

  /** The group of that name; it comes to be with its first follower, at the first message that is there. */
  group(stream: Stream, name: string): Group {
    const existing = stream.groups.get(name);
    if (existing !== undefined) return existing;
    const stored = { id: this.#nextGroupId, streamId: stream.id, name, createdAt: Date.now() };
    const group = this.#addGroup(stream, { ...stored, ackFloor: 0, readPosition: 1 }, new Ledger(1));
    this.#options.groupEvents.changed(group, false);
    return group;
  }

  close(): void {
    for (const { groups } of this.#streams.values()) for (const group of groups.values()) group.close();
  }

  #make(stored: StoredStream): Stream {
    this.#nextStreamId = Math.max(this.#nextStreamId, stored.id + 1);
    const { store } = this.#options;
    return new Stream(
      stored,
      (self) =>
        new StreamLog({
          streamId: self.id,
          budget: this.#budget,
          readFrom: () => self.readFrom,
          ...(self.isDurable && { store }),
        }),
    );
  }

  #addGroup(stream: Stream, stored: StoredGroup, ledger: Ledger): Group {
    this.#nextGroupId = Math.max(this.#nextGroupId, stored.id + 1);
    const { id, name, createdAt } = stored;
    const group = new Group({ id, name, createdAt, stream, ledger, events: this.#options.groupEvents });
    stream.groups.set(name, group);
    return group;
  }
}

/** What was delivered and not acked when the broker stopped waits for its redelivery. */
function restoreLedger(stored: StoredGroup, states: ReadonlyMap<number, Uint8Array>): Ledger {
  const { ackFloor, readPosition } = stored;
  const ledger = new Ledger(readPosition, states.keys());
  for (let window = windowOf(ackFloor + 1); window <= windowOf(readPosition); window++) {
    const spans = decodeWindowState(window, states.get(window), ackFloor + 1, readPosition);
    for (const span of spans) ledger.restore(span);
  }
  return ledger;
}
