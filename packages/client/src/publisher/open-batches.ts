import { BATCH_HEADER_BYTES, RECORD_HEADER_BYTES, type WireBind } from '@simplemq/protocol';
import { LANES } from './lane.ts';
import { type BatchOwner, OutgoingBatch } from './outgoing-batch.ts';

/** A batch with as many bytes is sent without waiting for the end of the turn. */
export const BATCH_BYTES: number = 128 * 1024;
/** Room that batches begin with: the first small, then as much as the last took. */
const INITIAL_BYTES = 1_024;
/** Around a message. */
const ROOM_BYTES: number = BATCH_HEADER_BYTES + RECORD_HEADER_BYTES;

export interface Route {
  readonly bind: WireBind;
  readonly mustMatch: boolean;
}

/**
 * The batches of a publisher that messages are appended to.
 *
 * Invariant: there is at most one for each lane, so the messages of a lane keep the order of their calls.
 */
export class OpenBatches {
  readonly #owner: BatchOwner;
  readonly #route: Route;
  readonly #byLane: (OutgoingBatch | undefined)[] = new Array(LANES).fill(undefined);
  /** In the order in which they were begun. */
  readonly #begun: OutgoingBatch[] = [];
  readonly #initialBytes: number[] = new Array(LANES).fill(INITIAL_BYTES);

  constructor(owner: BatchOwner, route: Route) {
    this.#owner = owner;
    this.#route = route;
  }

  /** The one that was begun first. */
  get first(): OutgoingBatch | undefined {
    return this.#begun[0];
  }

  of(lane: number): OutgoingBatch | undefined {
    return this.#byLane[lane];
  }

  /**
   * Begins the lane's next batch; the one before it must be closed.
   *
   * @param bytes what its first message has
   */
  begin(lane: number, features: number, bytes: number, shared?: Buffer): OutgoingBatch {
    const initialBytes = Math.max(this.#initialBytes[lane]!, bytes + ROOM_BYTES + (shared?.length ?? 0));
    const batch = new OutgoingBatch(this.#owner, { ...this.#route, lane, features, shared, initialBytes });
    this.#byLane[lane] = batch;
    this.#begun.push(batch);
    return batch;
  }

  close(batch: OutgoingBatch): void {
    const { lane, bytes } = batch;
    this.#byLane[lane] = undefined;
    this.#begun.splice(this.#begun.indexOf(batch), 1);
    this.#initialBytes[lane] = Math.min(
      BATCH_BYTES + INITIAL_BYTES,
      Math.max(INITIAL_BYTES, bytes + (bytes >> 3)),
    );
  }
}
