import { StorageFull } from '@simplemq/protocol';
import { SteadyClock } from '../clock.ts';
import { Committer } from '../commit/committer.ts';
import { Producers } from '../commit/producers.ts';
import { Burials } from '../dead-letters/burials.ts';
import { Failures } from '../dead-letters/failures.ts';
import { Letters } from '../dead-letters/letters.ts';
import { Dedup } from '../dedup/dedup.ts';
import { Delays } from '../delay/delays.ts';
import { messagesOf } from '../group/entry.ts';
import type { Group, GroupEvents } from '../group/group.ts';
import { Placer } from '../publish/placer.ts';
import { Schedules } from '../schedule/schedules.ts';
import type { StoreSnapshot } from '../store/store.ts';
import { Retention } from '../stream/retention.ts';
import type { Stream } from '../stream/stream.ts';
import { doneByAll } from '../stream/work-retention.ts';
import { DamagedMessages } from './damaged-messages.ts';
import type { EmbeddedEngineOptions } from './embedded-engine.ts';
import { FollowerSet } from './follower-set.ts';
import { GroupAdministration } from './group-administration.ts';
import { StreamAdministration } from './stream-administration.ts';
import { StreamRegistry } from './stream-registry.ts';
import { Sweeper } from './sweeper.ts';
import { Transactions } from './transactions.ts';

/** What an embedded engine is made of. */
export interface EngineParts {
  readonly registry: StreamRegistry;
  readonly committer: Committer;
  readonly followers: FollowerSet;
  readonly streams: StreamAdministration;
  readonly groups: GroupAdministration;
  readonly transactions: Transactions;
  readonly retention: Retention;
  readonly burials: Burials;
  readonly letters: Letters;
  readonly delays: Delays;
  readonly schedules: Schedules;
  readonly damaged: DamagedMessages;
  /** Ends all that works by itself. */
  stop(): void;
}

/** Puts the parts together. The groups are loaded last, as what they find may be work for the others. */
export function makeParts(
  options: EmbeddedEngineOptions,
  snapshot: StoreSnapshot,
  onFailed: (error: unknown) => void,
): EngineParts {
  const { store, onEvent } = options;
  const clock = new SteadyClock(snapshot);
  const producers = new Producers(options.producerWindowMs, snapshot.producers, clock);
  const failures = new Failures(store);
  const committer: Committer = new Committer(
    { store, producers, clock },
    {
      committed: (touched) => {
        for (const stream of touched) {
          for (const group of stream.groups.values()) group.dispatch();
          retention.enforce(stream);
        }
      },
      notCreated: (stream) => {
        registry.remove(stream);
        const reason = new StorageFull(`there was no room in the storage for the stream '${stream.name}'`);
        followers.streamDeleted(stream, reason);
      },
      failed: onFailed,
    },
  );
  const groupEvents: GroupEvents = {
    changed: (group, urgent) => committer.changed(group, urgent),
    done: (group, lane, spans) => {
      const stream = group.stream as Stream;
      if (stream.isWork) stream.messages -= messagesOf(doneByAll(stream, lane, spans, group));
    },
    undone: (group, lane, spans) => {
      const stream = group.stream as Stream;
      // Others may have been done with them, or gone, since the group was.
      if (stream.isWork) stream.messages += messagesOf(doneByAll(stream, lane, spans, undefined));
    },
    redelivered: (group, messages, cause) =>
      onEvent({ type: 'redelivered', ...whereOf(group), messages, cause }),
    failed: (group, failure) => failures.record(committer.open, group, failure),
    died: (group, death) => burials.bury(group, death),
    expired: (group, messages) => onEvent({ type: 'expired', ...whereOf(group), messages }),
    storeFailed: onFailed,
  };
  const registry = new StreamRegistry({
    store,
    cacheBytesMax: options.cacheBytesMax,
    snapshot,
    clock,
    groupEvents,
  });
  const streamOf = (id: number): Stream | undefined => registry.byId(id);
  const dedup = new Dedup(options.dedupIdsMax);
  dedup.restore(snapshot.dedup, streamOf, Math.floor(clock.now()));
  const delays = new Delays({ store, committer, clock, snapshot, streamOf, onFailed });
  const placer = new Placer(dedup, delays);
  const find = (name: string): Stream | undefined => registry.get(name);
  const schedules = new Schedules({ committer, placer, find, stored: snapshot.schedules });
  const retention: Retention = new Retention({ store, committer, streams: () => registry.all(), onFailed });
  const groups = new GroupAdministration({
    store,
    registry,
    committer,
    failures,
    followers: () => followers,
    onEvent,
  });
  const followers: FollowerSet = new FollowerSet({ registry, groups, durable: () => committer.settled() });
  const streams = new StreamAdministration({
    registry,
    committer,
    followers,
    retention,
    defaultStorage: store.durability === 'memory' ? 'memory' : 'file',
    streamsMax: options.streamsMax,
    onEvent,
    onChanged: (stream) => dedup.settingsChanged(stream),
    onRemoved: (stream) => {
      dedup.removed(stream);
      delays.removed(stream);
      schedules.streamRemoved(stream.name);
    },
  });
  const burials: Burials = new Burials({
    committer,
    failures,
    deadStreamOf: (stream) => streams.deadStreamOf(stream),
    onBuried: (group, messages) => onEvent({ type: 'deadLettered', ...whereOf(group), messages }),
    onFailed,
  });
  const { durability } = store;
  const transactions = new Transactions({ registry, committer, producers, placer, durability });
  const letters = new Letters(committer, placer, retention);
  const damaged = new DamagedMessages({ committer, streamOf, onEvent });
  const sweeper = new Sweeper({ registry, committer, producers, dedup, clock, streams, groups, onFailed });
  registry.restoreGroups();
  const working = [sweeper, burials, letters, retention, schedules, delays, registry];
  const stop = (): void => {
    for (const part of working) part.close();
  };
  return {
    registry,
    committer,
    followers,
    streams,
    groups,
    transactions,
    retention,
    burials,
    letters,
    delays,
    schedules,
    damaged,
    stop,
  };
}

function whereOf(group: Group): { stream: string; group: string } {
  return { stream: group.stream.name, group: group.name };
}
