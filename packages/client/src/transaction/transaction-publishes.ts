import { BATCH_RECORDS_MAX, BatchBuilder, type WireBind } from '@simplemq/protocol';
import type { EncodedOptions } from '../publisher/send-options.ts';

/** A run of a transaction's publishes that travels as one record batch. */
export interface PublishBatch {
  readonly bind: WireBind;
  readonly mustMatch: boolean;
  readonly builder: BatchBuilder;
  /** For each record which publish of the transaction it is. */
  readonly publishes: number[];
}

/**
 * The publishes of a transaction, folded into batches.
 *
 * Invariant: on each stream, those of one priority have the order of the calls. So publishes to streams by name are
 * folded stream by stream, past one another; a pattern may reach any stream, and nothing is folded past it.
 */
export class TransactionPublishes {
  readonly batches: PublishBatch[] = [];
  count = 0;
  /** What the broker must be able to do for them, as bits. */
  features = 0;
  /** The body of most bytes. */
  largestBody = 0;
  /** What may still be appended to, by lane and stream. */
  readonly #open = new Map<string, PublishBatch>();
  /** What the open batches have in common. */
  #route = '';

  add(bind: WireBind, mustMatch: boolean, options: EncodedOptions, body: Uint8Array, isRaw: boolean): void {
    const batch = this.#batchFor(bind, mustMatch, options.lane);
    batch.builder.append(body, isRaw, options.attributes);
    batch.publishes.push(this.count++);
    this.features |= options.features;
    this.largestBody = Math.max(this.largestBody, body.length);
  }

  #batchFor(bind: WireBind, mustMatch: boolean, lane: number): PublishBatch {
    const isDirect = 'stream' in bind;
    const route = isDirect ? 'direct' : `${mustMatch} ${bind.pattern}`;
    if (route !== this.#route) this.#open.clear();
    this.#route = route;
    const key = `${lane} ${isDirect ? bind.stream : ''}`;
    const open = this.#open.get(key);
    if (open !== undefined && open.publishes.length < BATCH_RECORDS_MAX) return open;
    const batch = { bind, mustMatch: mustMatch && !isDirect, builder: new BatchBuilder(), publishes: [] };
    this.#open.set(key, batch);
    this.batches.push(batch);
    return batch;
  }
}
