import type { SimpleMQError } from '@simplemq/protocol';
import type { BatchMemory } from './batch-memory.ts';
import type { NumberedSource } from './numbered.ts';
import { OpenBatches, type Route } from './open-batches.ts';
import type { BatchOwner, OutgoingBatch } from './outgoing-batch.ts';
import type { PublishQueue } from './publish-queue.ts';

export interface PipelineOptions extends Route {
  readonly publishes: PublishQueue;
  readonly memory: BatchMemory;
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** Something is under way. */
  readonly onBusy: () => void;
  /** Nothing is any more. */
  readonly onIdle: () => void;
}

/**
 * A publisher's batches between their first append and their confirm.
 *
 * Invariant: what was taken and is not settled keeps to maxMessages and maxBytes, but for one batch that is larger by
 * itself. While there is no place, the open batches stay open and grow.
 */
export class Pipeline implements BatchOwner, NumberedSource {
  readonly open: OpenBatches;
  readonly memory: BatchMemory;
  readonly #options: PipelineOptions;
  /** Closed batches. */
  #waiting: OutgoingBatch[] = [];
  readonly #outstanding = new Set<OutgoingBatch>();
  #messages = 0;
  #bytes = 0;
  /** A batch is open, or not settled. */
  #isBusy = false;
  #flushes: { readonly left: Set<OutgoingBatch>; readonly resolve: () => void }[] = [];

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.memory = options.memory;
    this.open = new OpenBatches(this, { bind: options.bind, mustMatch: options.mustMatch });
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Begins a batch, as OpenBatches.begin does. */
  begin(lane: number, features: number, bytes: number, shared?: Buffer): OutgoingBatch {
    if (!this.#isBusy) {
      this.#isBusy = true;
      this.memory.work();
      this.#options.onBusy();
    }
    return this.open.begin(lane, features, bytes, shared);
  }

  /** Nothing more is appended to the batch, which is to be sent. */
  close(batch: OutgoingBatch): void {
    this.open.close(batch);
    this.#waiting.push(batch);
    this.#outstanding.add(batch);
  }

  closeAll(): void {
    for (let batch = this.open.first; batch !== undefined; batch = this.open.first) this.close(batch);
  }

  /** Asks for a turn to send. */
  want(): void {
    this.#options.publishes.want(this);
  }

  /** Resolves when every batch that was closed so far is settled. */
  async settled(): Promise<void> {
    if (this.#outstanding.size === 0) return;
    // Asked for in vain, a place in the queue would be waited for until there is a connection again.
    this.want();
    const left = new Set(this.#outstanding);
    if (left.size > 0) await new Promise<void>((resolve) => this.#flushes.push({ left, resolve }));
  }

  take(): OutgoingBatch | undefined {
    const next = this.#waiting[0] ?? this.open.first;
    if (next === undefined || !this.#hasPlace(next)) return undefined;
    if (this.#waiting.length === 0) this.close(next);
    const batch = this.#waiting.shift()!;
    this.#messages += batch.count;
    this.#bytes += batch.bytes;
    return batch;
  }

  replace(batch: OutgoingBatch, parts: readonly OutgoingBatch[]): void {
    this.#messages -= batch.count;
    this.#bytes -= batch.bytes;
    this.#outstanding.delete(batch);
    this.#waiting.unshift(...parts);
    for (const part of parts) this.#outstanding.add(part);
    for (const flush of this.#flushes) {
      if (flush.left.has(batch)) for (const part of parts) flush.left.add(part);
    }
    this.#leave(batch);
    this.#restIfIdle();
  }

  batchSettled(batch: OutgoingBatch): void {
    this.#messages -= batch.count;
    this.#bytes -= batch.bytes;
    this.#outstanding.delete(batch);
    this.#leave(batch);
    this.#restIfIdle();
    if (this.#waiting.length > 0 || this.open.first !== undefined) this.want();
  }

  failed(error: SimpleMQError): void {
    this.closeAll();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const batch of waiting) {
      this.#messages += batch.count;
      this.#bytes += batch.bytes;
      batch.reject(error);
    }
  }

  #hasPlace(batch: OutgoingBatch): boolean {
    if (this.#messages === 0) return true;
    const { maxMessages, maxBytes } = this.#options;
    return this.#messages + batch.count <= maxMessages && this.#bytes + batch.bytes <= maxBytes;
  }

  #restIfIdle(): void {
    if (!this.#isBusy || this.#outstanding.size > 0 || this.open.first !== undefined) return;
    this.#isBusy = false;
    this.memory.rest();
    this.#options.onIdle();
  }

  #leave(batch: OutgoingBatch): void {
    if (this.#flushes.length === 0) return;
    for (const { left, resolve } of this.#flushes) {
      left.delete(batch);
      if (left.size === 0) resolve();
    }
    this.#flushes = this.#flushes.filter(({ left }) => left.size > 0);
  }
}
