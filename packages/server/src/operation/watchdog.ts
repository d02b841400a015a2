import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Engine } from '@simplemq/broker';
import type { Logger } from 'pino';
import type { Settings } from '../settings/settings.ts';
import { silenceOf } from './storage-state.ts';

const LOOK_MS = 500;
/** A turn of the event loop that takes longer is told. */
const BLOCKED_MS_MAX = 1_000;
/** The event loop is asked this often, so a delay is known to about this. */
const RESOLUTION_MS = 100;
const NS_PER_MS = 1e6;

/** Tells in the log when the storage does not answer or is full, when no longer, and when the event loop was held up. */
export class Watchdog {
  readonly #engine: Engine;
  readonly #settings: Settings;
  readonly #logger: Logger;
  readonly #delays: ReturnType<typeof monitorEventLoopDelay> = monitorEventLoopDelay({
    resolution: RESOLUTION_MS,
  });
  readonly #timer: NodeJS.Timeout;
  /** Since when the storage has been silent, by performance.now(), once that was told. */
  #silentSinceMs: number | undefined;
  #isFull = false;

  constructor(engine: Engine, settings: Settings, logger: Logger) {
    this.#engine = engine;
    this.#settings = settings;
    this.#logger = logger;
    this.#delays.enable();
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#delays.disable();
  }

  #look(): void {
    this.#lookAtLoop();
    this.#lookAtStorage();
  }

  #lookAtLoop(): void {
    const blockedMs = Math.round(this.#delays.max / NS_PER_MS) - RESOLUTION_MS;
    this.#delays.reset();
    if (blockedMs >= BLOCKED_MS_MAX) this.#logger.warn({ blockedMs }, 'the event loop was blocked');
  }

  #lookAtStorage(): void {
    const health = this.#engine.health();
    this.#lookAtRoom(health.isFull);
    const silence = silenceOf(health, this.#settings);
    const nowMs = performance.now();
    if (silence !== undefined && this.#silentSinceMs === undefined) {
      this.#silentSinceMs = nowMs - silence.silentMs;
      const silentMs = Math.round(silence.silentMs);
      this.#logger.error({ doing: silence.doing, silentMs }, 'the storage does not answer');
    } else if (silence === undefined && this.#silentSinceMs !== undefined) {
      const silentMs = Math.round(nowMs - this.#silentSinceMs);
      this.#silentSinceMs = undefined;
      this.#logger.warn({ silentMs }, 'the storage answers again');
    }
  }

  #lookAtRoom(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    if (isFull) this.#logger.error('the storage is full: publishes are refused, acks go on');
    else this.#logger.warn('the storage has room again');
  }
}
