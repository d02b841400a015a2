import { checkName, GroupNotFound, StreamNotFound, type WireBind } from '@simplemq/protocol';
import type { SteadyClock } from '../clock.ts';
import type { Span } from '../group/entry.ts';
import { Group, type GroupEvents } from '../group/group.ts';
import { LANE_START, type LanePlace, type Unkeyed } from '../group/group-lane.ts';
import { type GroupSettings, readStoredGroupSettings } from '../group/group-settings.ts';
import { Ledger } from '../group/ledger.ts';
import { windowOf } from '../group/pending-entries.ts';
import { decodeWindowState, type StoredWindowState } from '../group/window-state.ts';
import type { MatchTime } from '../routing/match-time.ts';
import { Router } from '../routing/router.ts';
import type { Store, StoredPosition, StoredStream, StoreSnapshot } from '../store/store.ts';
import { CacheBudget } from '../stream/cache-budget.ts';
import type { Lane } from '../stream/lane.ts';
import { Stream } from '../stream/stream.ts';
import { StreamLog } from '../stream/stream-log.ts';
import type { StreamSettings } from '../stream/stream-settings.ts';
import type { StreamFilter } from './engine.ts';

/** The group of followers that name none. */
export const DEFAULT_GROUP = 'workers';

export interface StreamRegistryOptions {
  readonly store: Store;
  readonly cacheBytesMax: number;
  readonly snapshot: StoreSnapshot;
  readonly clock: SteadyClock;
  readonly groupEvents: GroupEvents;
}

/** Where a group begins in each lane, by its number. */
export type Places = ReadonlyMap<number, LanePlace>;

/** The streams and groups that there are, by name, and who matches what. */
export class StreamRegistry {
  readonly router: Router;
  readonly #streams = new Map<string, Stream>();
  readonly #byId = new Map<number, Stream>();
  readonly #options: StreamRegistryOptions;
  readonly #budget: CacheBudget;
  #nextStreamId = 1;
  #nextGroupId = 1;
  #groups = 0;

  constructor(options: StreamRegistryOptions) {
    this.#options = options;
    this.#budget = new CacheBudget(options.cacheBytesMax);
    this.router = new Router(this.#streams);
    for (const stored of options.snapshot.streams) this.#add(stored);
  }

  /** Loads the groups of the snapshot; messages whose last delivery had failed die on the way. */
  restoreGroups(): void {
    const { snapshot } = this.#options;
    const windows = Map.groupBy(snapshot.windows, ({ groupId }) => groupId);
    const failing = new Set(snapshot.failingGroups);
    for (const { id, streamId, name, createdAt, policy, positions } of snapshot.groups) {
      const stream = this.#byId.get(streamId);
      this.#nextGroupId = Math.max(this.#nextGroupId, id + 1);
      if (stream === undefined) continue;
      const settings = readStoredGroupSettings(policy);
      const startSequence = typeof policy.startSequence === 'number' ? policy.startSequence : 1;
      const group = this.#makeGroup(stream, { id, name, createdAt, settings, startSequence });
      group.hasFailures = failing.has(id);
      // What the last run left of those that nobody needs goes from the first commit on.
      if (group.hasFailures) this.#options.groupEvents.changed(group, false);
      for (const lane of stream.lanes) {
        const position = positions.find((candidate) => candidate.lane === lane.number);
        const ofLane = (windows.get(id) ?? []).filter((window) => window.lane === lane.number);
        if (position === undefined) group.addLane(lane, { ledger: this.#ledger(LANE_START), unkeyed: [] });
        else
          this.#restoreLane(group, lane, position, new Map(ofLane.map((window) => [window.window, window])));
      }
    }
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Groups of all streams. */
  get groups(): number {
    return this.#groups;
  }

  get(name: string): Stream | undefined {
    return this.#streams.get(name);
  }

  byId(id: number): Stream | undefined {
    return this.#byId.get(id);
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

  /** @throws InvalidName, StreamNotFound, GroupNotFound */
  findGroup(streamName: string, name: string): Group {
    const group = this.find(streamName).groups.get(name);
    if (group !== undefined) return group;
    checkName('group', name);
    throw new GroupNotFound(`the stream '${streamName}' has no group '${name}'; create it, or follow as it`, {
      details: { stream: streamName, group: name },
    });
  }

  /** The streams of a bind; for a pattern there may be none, and those that are not `visible` are not among them. */
  match(bind: WireBind, visible?: StreamFilter, time?: MatchTime): Stream[] {
    if ('stream' in bind) return [this.find(bind.stream)];
    const matching = [...this.router.matches(bind.pattern, time)];
    return visible === undefined ? matching : matching.filter(({ name }) => visible(name));
  }

  /** As `match`, where a pattern is asked for once: what is not `visible` is not tried. */
  search(bind: WireBind, visible?: StreamFilter): Stream[] {
    if ('stream' in bind || visible === undefined) return this.match(bind);
    const there = [...this.#streams.values()].filter(({ name }) => visible(name));
    // Who may see all asks as others do, and it is worth remembering.
    return there.length === this.size ? this.match(bind) : this.router.among(bind.pattern, there);
  }

  all(): Iterable<Stream> {
    return this.#streams.values();
  }

  /** All but the broker's own. */
  listed(): Stream[] {
    return [...this.#streams.values()].filter(({ name }) => !name.startsWith('$'));
  }

  create(name: string, settings: StreamSettings): Stream {
    const stream = this.#add({
      id: this.#nextStreamId,
      name,
      options: { ...settings },
      createdAt: Date.now(),
      nextSequence: 1,
      firstSequence: 1,
      messages: 0,
      bytes: 0,
      lastTime: 0,
      lanes: [],
    });
    this.router.added(stream);
    return stream;
  }

  remove(stream: Stream): void {
    if (!stream.isDeleted) this.#groups -= stream.groups.size;
    stream.isDeleted = true;
    this.#byId.delete(stream.id);
    // There may be another of that name by now.
    if (this.#streams.get(stream.name) === stream) this.#streams.delete(stream.name);
    this.router.removed(stream);
    for (const group of stream.groups.values()) group.close();
    for (const { log } of stream.lanes) log.removeThrough(Number.MAX_SAFE_INTEGER);
  }

  /** Makes a group that begins at `places`, in lanes that are not among them with their first message. */
  createGroup(
    stream: Stream,
    name: string,
    settings: GroupSettings,
    places: Places,
    startSequence: number,
  ): Group {
    const { id, createdAt } = { id: this.#nextGroupId++, createdAt: Date.now() };
    const group = this.#makeGroup(stream, { id, name, createdAt, settings, startSequence });
    for (const lane of stream.lanes) {
      const added = group.addLane(lane, { ledger: this.#ledger(LANE_START), unkeyed: [] });
      added.reset(places.get(lane.number) ?? LANE_START);
    }
    this.#options.groupEvents.changed(group, false);
    return group;
  }

  removeGroup(group: Group): void {
    const stream = group.stream as Stream;
    if (stream.groups.delete(group.name) && !stream.isDeleted) this.#groups--;
    group.close();
  }

  close(): void {
    for (const { groups } of this.#streams.values()) for (const group of groups.values()) group.close();
  }

  #add(stored: StoredStream): Stream {
    this.#nextStreamId = Math.max(this.#nextStreamId, stored.id + 1);
    const { store } = this.#options;
    const stream = new Stream(
      stored,
      (self, lane) =>
        new StreamLog({
          streamId: self.id,
          lane,
          budget: this.#budget,
          readFrom: () => readFrom(self, lane),
          ...(self.isDurable && { store }),
        }),
    );
    this.#streams.set(stream.name, stream);
    this.#byId.set(stream.id, stream);
    return stream;
  }

  #makeGroup(
    stream: Stream,
    fields: { id: number; name: string; createdAt: number; settings: GroupSettings; startSequence: number },
  ): Group {
    const { groupEvents: events } = this.#options;
    const ledgerOf = (place: LanePlace) => this.#ledger(place);
    const group = new Group({ ...fields, stream, events, ledgerOf });
    stream.groups.set(fields.name, group);
    if (!stream.isDeleted) this.#groups++;
    return group;
  }

  #ledger({ first, ordinal }: LanePlace, storedWindows: Iterable<number> = []): Ledger {
    return new Ledger({ readPosition: first, ordinal, storedWindows, clock: this.#options.clock });
  }

  /** What was delivered and not done when the broker stopped waits for its redelivery. */
  #restoreLane(
    group: Group,
    lane: Lane,
    { ackFloor, readPosition, ordinal }: StoredPosition,
    states: ReadonlyMap<number, StoredWindowState>,
  ): void {
    const ledger = this.#ledger({ first: readPosition, ordinal }, states.keys());
    const unkeyed: Unkeyed[] = [];
    const dead: (Span & { attempt: number })[] = [];
    const { maxDeliveries } = group.settings.retry;
    for (let window = windowOf(ackFloor + 1); window <= windowOf(readPosition); window++) {
      for (const span of decodeWindowState(window, states.get(window), ackFloor + 1, readPosition)) {
        const { first, last, nextAttempt, dueAt } = span;
        const isDead = nextAttempt > maxDeliveries;
        ledger.restore(span, isDead || group.gate !== undefined);
        if (isDead) dead.push({ first, last, attempt: nextAttempt - 1 });
        else if (group.gate !== undefined) {
          const dueAtMs = dueAt === 0 ? 0 : this.#options.clock.toMonotonic(dueAt);
          unkeyed.push({ first, last, dueAt: dueAtMs, wasDelivered: nextAttempt > 1 });
        }
      }
    }
    const added = group.addLane(lane, { ledger, unkeyed });
    for (const span of dead) {
      void this.#options.groupEvents.died(group, { lane: added, ...span, cause: 'maxDeliveries' });
    }
  }
}

/** The lowest sequence number of a lane that some group has still to read. */
function readFrom(stream: Stream, lane: number): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (const group of stream.groups.values()) {
    lowest = Math.min(lowest, group.ledger(lane)?.readPosition ?? Number.POSITIVE_INFINITY);
  }
  return lowest === Number.POSITIVE_INFINITY ? 1 : lowest;
}
