import type { SimpleMQError } from '@simplemq/protocol';
import type { BatchOwner, OutgoingBatch } from './outgoing-batch.ts';
import type { BatchSource, PublishQueue } from './publish-queue.ts';

export interface PipelineOptions {
  readonly publishes: PublishQueue;
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** The batch that is being filled, if any. */
  readonly open: () => OutgoingBatch | undefined;
  /** Closes that batch and pushes it here. */
  readonly closeOpen: () => void;
}

/**
 * A publisher's batches between their last append and their confirm.
 *
 * Invariant: what was taken and is not settled keeps to maxMessages and maxBytes, but for one batch that is larger by
 * itself. While there is no place, the open batch stays open and grows.
 */
export class Pipeline implements BatchOwner, BatchSource {
  readonly #options: PipelineOptions;
  #waiting: OutgoingBatch[] = [];
  readonly #outstanding = new Set<OutgoingBatch>();
  #messages = 0;
  #bytes = 0;
  #flushes: { readonly left: Set<OutgoingBatch>; readonly resolve: () => void }[] = [];

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  /** Adds a closed batch. */
  push(batch: OutgoingBatch): void {
    this.#waiting.push(batch);
    this.#outstanding.add(batch);
  }

  /** Whether every batch pushed so far was settled. */
  get isEmpty(): boolean {
    return this.#outstanding.size === 0;
  }

  /** Resolves when every batch pushed so far was settled. */
  async settled(): Promise<void> {
    if (this.#outstanding.size === 0) return;
    const left = new Set(this.#outstanding);
    await new Promise<void>((resolve) => this.#flushes.push({ left, resolve }));
  }

  take(): OutgoingBatch | undefined {
    const next = this.#waiting[0] ?? this.#options.open();
    if (next === undefined || !this.#hasPlace(next)) return undefined;
    if (this.#waiting.length === 0) this.#options.closeOpen();
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
  }

  batchSettled(batch: OutgoingBatch): void {
    this.#messages -= batch.count;
    this.#bytes -= batch.bytes;
    this.#outstanding.delete(batch);
    this.#leave(batch);
    if (this.#waiting.length > 0 || this.#options.open() !== undefined) this.#options.publishes.want(this);
  }

  failed(error: SimpleMQError): void {
    this.#options.closeOpen();
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

  #leave(batch: OutgoingBatch): void {
    if (this.#flushes.length === 0) return;
    for (const { left, resolve } of this.#flushes) {
      left.delete(batch);
      if (left.size === 0) resolve();
    }
    this.#flushes = this.#flushes.filter(({ left }) => left.size > 0);
  }
}
