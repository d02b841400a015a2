import { monotonicMs, type SteadyClock } from '../clock.ts';
import type { Committer } from '../commit/committer.ts';
import type { Producers } from '../commit/producers.ts';
import type { Dedup } from '../dedup/dedup.ts';
import type { Stream } from '../stream/stream.ts';
import type { GroupAdministration } from './group-administration.ts';
import type { StreamAdministration } from './stream-administration.ts';
import type { StreamRegistry } from './stream-registry.ts';

const LOOK_MS = 1_000;

export interface SweeperOptions {
  readonly registry: StreamRegistry;
  readonly committer: Committer;
  readonly producers: Producers;
  readonly dedup: Dedup;
  readonly clock: SteadyClock;
  readonly streams: StreamAdministration;
  readonly groups: GroupAdministration;
  readonly onFailed: (error: unknown) => void;
}

/** Forgets, now and then, what was not used for as long as it may be: producers, message ids, groups, streams. */
export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #timer: NodeJS.Timeout;

  constructor(options: SweeperOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#sweep(), LOOK_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #sweep(): void {
    const { producers, dedup, clock, committer, registry } = this.#options;
    let isChanged = producers.expire();
    for (const { stream, before } of dedup.expire(Math.floor(clock.now()))) {
      if (stream.isDurable) committer.open.droppedDedup.push({ streamId: stream.id, before });
      isChanged = true;
    }
    const offsetMs = clock.noticeStep();
    if (offsetMs !== undefined) committer.open.clockOffsetMs.push(offsetMs);
    if (isChanged || offsetMs !== undefined) committer.schedule();
    for (const stream of [...registry.all()]) this.#sweepStream(stream);
  }

  #sweepStream(stream: Stream): void {
    const { streams, groups, onFailed } = this.#options;
    // It may have gone with the one before.
    if (stream.isDeleted) return;
    const { expireAfterMs } = stream.settings;
    const now = monotonicMs();
    const hasFollowers = [...stream.groups.values()].some(({ followers }) => followers > 0);
    if (hasFollowers || stream.hasNews) {
      stream.usedAt = now;
      stream.hasNews = false;
    } else if (expireAfterMs > 0 && now - stream.usedAt > expireAfterMs) {
      streams.delete(stream.name).catch(onFailed);
      return;
    }
    for (const group of [...stream.groups.values()]) {
      const { expireAfterMs: afterMs } = group.settings;
      if (afterMs === 0 || group.followers > 0 || now - group.usedAt <= afterMs) continue;
      groups.remove(group).catch(onFailed);
    }
  }
}
