import {
  type CreateGroup,
  checkName,
  type GroupInfo,
  GroupNotFound,
  type GroupOptions,
  InvalidOption,
  type Pending,
  type PendingReply,
  type ResetGroup,
  type StartFrom,
} from '@simplemq/protocol';
import type { Committer } from '../commit/committer.ts';
import type { Failures } from '../dead-letters/failures.ts';
import type { Group } from '../group/group.ts';
import type { LanePlace } from '../group/group-lane.ts';
import { checkGroupRoom } from '../group/group-room.ts';
import { checkSameGroupSettings, type GroupSettings, groupSettings } from '../group/group-settings.ts';
import { pendingReply } from '../group/pending-reply.ts';
import type { Store } from '../store/store.ts';
import type { Lane } from '../stream/lane.ts';
import { firstSince } from '../stream/retention.ts';
import { groupSummary, type Stream } from '../stream/stream.ts';
import { closedWithout, leftFrom, openBooks, startOf } from '../stream/work-retention.ts';
import type { EngineEvent } from './events.ts';
import type { FollowerSet } from './follower-set.ts';
import { DEFAULT_GROUP, type Places, type StreamRegistry } from './stream-registry.ts';

export interface GroupAdministrationOptions {
  readonly store: Store;
  readonly registry: StreamRegistry;
  readonly committer: Committer;
  readonly failures: Failures;
  readonly followers: () => FollowerSet;
  readonly onEvent: (event: EngineEvent) => void;
}

/** Where a group begins. */
interface Start {
  readonly places: Places;
  readonly sequence: number;
}

/** What a cursor does with groups: each change is durable when its promise resolves. */
export class GroupAdministration {
  readonly #options: GroupAdministrationOptions;
  readonly #registry: StreamRegistry;
  readonly #committer: Committer;

  constructor(options: GroupAdministrationOptions) {
    this.#options = options;
    this.#registry = options.registry;
    this.#committer = options.committer;
  }

  /** @returns whether it was created now */
  async create({
    stream: streamName,
    group: name,
    startFrom = 'first',
    options = {},
  }: CreateGroup): Promise<boolean> {
    const stream = this.#registry.find(streamName);
    const created = await this.ensure(stream, name, startFrom, options);
    await this.#committer.settled();
    return created;
  }

  /**
   * Makes the group unless it is there.
   *
   * @returns whether it was made now
   * @throws StreamConflict when it is there with other values of the options that are given; InvalidName, InvalidOption,
   *   also when there are as many groups as there may be
   */
  async ensure(stream: Stream, name: string, startFrom: StartFrom, options: GroupOptions): Promise<boolean> {
    checkName('group', name);
    const settings = groupSettings(options);
    if (this.#isThere(stream, name, options)) return false;
    const { places, sequence } = await this.#placesOf(stream, startFrom);
    // Others may have made it meanwhile.
    if (stream.isDeleted || this.#isThere(stream, name, options)) return false;
    const { groups: ofAll, size: streams } = this.#registry;
    checkGroupRoom({ ofStream: stream.groups.size, ofAll, streams });
    this.#make(stream, name, settings, places, sequence);
    return true;
  }

  /** As ensure, for a stream that was created just now. */
  ensureAtStart(stream: Stream, name: string, options: GroupOptions): void {
    if (!stream.groups.has(name)) this.#make(stream, name, groupSettings(options), new Map(), 1);
  }

  async update(streamName: string, name: string, options: GroupOptions): Promise<void> {
    const group = this.#registry.findGroup(streamName, name);
    const settings = groupSettings(options, group.settings);
    const { ordering, keyConcurrency } = group.settings;
    const isOtherGate = ordering !== settings.ordering || keyConcurrency !== settings.keyConcurrency;
    if (isOtherGate && group.listed > 0) {
      throw new InvalidOption(
        `ordering and keyConcurrency cannot be changed while messages are pending, and ${group.listed} of the group ` +
          `'${name}' are: let them be acked first, or reset the group`,
        { details: { option: ordering !== settings.ordering ? 'ordering' : 'keyConcurrency' } },
      );
    }
    group.changeSettings(settings);
    await this.#committer.settled();
  }

  async delete(streamName: string, name: string): Promise<void> {
    const group = this.#registry.findGroup(streamName, name);
    await this.remove(group);
  }

  async remove(group: Group): Promise<void> {
    const stream = group.stream as Stream;
    const books = group.lanes.map(({ number, ledger }) => ({ lane: number, open: openBooks(ledger) }));
    const { name } = group;
    const reason = new GroupNotFound(`the group '${name}' of '${stream.name}' was deleted`, {
      details: { stream: stream.name, group: name },
    });
    // It is closed first: what the first of its followers held is not for the others, who are over too.
    this.#registry.removeGroup(group);
    this.#options.followers().groupDeleted(stream, group, reason);
    this.#committer.open.deletedGroups.push(group);
    this.#inheritStart(stream, group);
    this.#release(stream, books);
    await this.#committer.settled();
    this.#options.onEvent({ type: 'groupDeleted', stream: stream.name, group: name });
  }

  async reset({ stream: streamName, group: name, startFrom }: ResetGroup): Promise<void> {
    const stream = this.#registry.findGroup(streamName, name).stream as Stream;
    const { places, sequence } = await this.#placesOf(stream, startFrom);
    // Another may have come in its place meanwhile, or in that of the stream.
    const group = await this.#withNothingToComeBack(streamName, name);
    if (group.stream !== stream) return this.reset({ stream: streamName, group: name, startFrom });
    const books = group.lanes.map(({ number, ledger }) => ({ lane: number, open: openBooks(ledger) }));
    const left = leftFrom(stream, places);
    group.startSequence = Math.min(group.startSequence, sequence);
    this.#options.failures.forget(this.#committer.open, group);
    this.#options.followers().groupReset(group);
    group.reset(left);
    this.#release(stream, books);
    await this.#committer.settled();
    this.#options.onEvent({ type: 'groupReset', stream: streamName, group: name });
    group.dispatch();
  }

  /**
   * The group, once nothing is under way that would be given back to it if there was no room, as an ack is that is refused
   * with its transaction: to one that has begun anew since it could not be.
   */
  async #withNothingToComeBack(streamName: string, name: string): Promise<Group> {
    for (;;) {
      const group = this.#registry.findGroup(streamName, name);
      if (!this.#committer.mayGiveBack(group)) return group;
      group.isBeginningAnew = true;
      try {
        await this.#committer.settled();
      } catch (error) {
        group.isBeginningAnew = false;
        throw error;
      }
    }
  }

  async list(streamName: string): Promise<GroupInfo[]> {
    const { groups } = this.#registry.find(streamName);
    const sorted = [...groups.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return Promise.all(sorted.map((group) => this.#info(group)));
  }

  async info(streamName: string, name: string): Promise<GroupInfo> {
    return this.#info(this.#registry.findGroup(streamName, name));
  }

  pending(request: Pending): PendingReply {
    const { groups } = this.#registry.find(request.stream);
    const { group: name = DEFAULT_GROUP } = request;
    // A stream that nobody has followed yet has no group, and nothing pending.
    if (name === DEFAULT_GROUP) return pendingReply(groups.get(name), request);
    return pendingReply(this.#registry.findGroup(request.stream, name), request);
  }

  #isThere(stream: Stream, name: string, options: GroupOptions): boolean {
    const known = stream.groups.get(name);
    if (known !== undefined)
      checkSameGroupSettings(`the group '${name}' of '${stream.name}'`, known.settings, options);
    return known !== undefined;
  }

  #make(stream: Stream, name: string, settings: GroupSettings, places: Places, sequence: number): void {
    this.#registry.createGroup(stream, name, settings, leftFrom(stream, places), sequence);
    this.#options.onEvent({ type: 'groupCreated', stream: stream.name, group: name });
  }

  /** What was the group's is now the others', who are done with what comes before their own start: so it goes. */
  #inheritStart(stream: Stream, { startSequence }: Group): void {
    for (const other of stream.groups.values()) {
      if (other.startSequence <= startSequence) continue;
      other.startSequence = startSequence;
      this.#committer.changed(other, false);
    }
  }

  /** Messages that only a group with these books needed may go. */
  #release(stream: Stream, books: readonly { lane: number; open: ReturnType<typeof openBooks> }[]): void {
    if (!stream.isWork) return;
    const closed = books.reduce((sum, { lane, open }) => sum + closedWithout(stream, lane, open), 0);
    stream.messages = Math.max(0, stream.messages - closed);
    const { open } = this.#committer;
    open.swept.add(stream);
    open.touched.add(stream);
  }

  async #placesOf(stream: Stream, startFrom: StartFrom): Promise<Start> {
    const sequence = await this.#sequenceOf(stream, startFrom);
    const places = stream.lanes.map(async (lane) => {
      const { first, ordinal } = await lane.place(sequence);
      const unowned = await this.#unownedOf(stream, lane, Math.max(sequence, first));
      return [
        lane.number,
        { first: Math.max(sequence, first), ordinal, ...(unowned && { unowned }) },
      ] as const;
    });
    return { places: new Map(await Promise.all(places)), sequence };
  }

  /** Messages of a lane from `first` on that are kept although no group began before them. */
  async #unownedOf(stream: Stream, lane: Lane, first: number): Promise<LanePlace['unowned']> {
    if (!stream.isWork || stream.groups.size === 0) return undefined;
    const to = Math.min(startOf(stream), stream.durableNext);
    return to > first ? { spans: await lane.spans(first, to), to } : undefined;
  }

  async #sequenceOf(stream: Stream, startFrom: StartFrom): Promise<number> {
    if (startFrom === 'first') return stream.firstSequence;
    const { nextSequence } = stream;
    // What was published before this call counts: it has to be durable to have its place.
    await this.#committer.settled();
    const clip = (sequence: number) => Math.min(stream.durableNext, Math.max(stream.firstSequence, sequence));
    if (startFrom === 'new') return clip(nextSequence);
    if ('sequence' in startFrom) return clip(startFrom.sequence);
    return clip(await firstSince(this.#options.store, stream, startFrom.time));
  }

  async #info(group: Group): Promise<GroupInfo> {
    const { createdAt, readPosition, deadLettered, expired, settings, lowestOpen } = group;
    const lane = group.lanes.find((candidate) => candidate.lowestOpen === lowestOpen);
    const oldest = lowestOpen === undefined ? undefined : await lane?.lane.log.peek(lowestOpen);
    return {
      ...groupSummary(group),
      stream: group.stream.name,
      createdAt,
      readPosition,
      deadLettered,
      expired,
      ...(oldest !== undefined && { oldestUnackedMs: Math.max(0, Date.now() - oldest.time) }),
      options: settings,
    };
  }
}
