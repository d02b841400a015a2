import {
  decodeSettled,
  encodeAck,
  encodeExtend,
  encodeNack,
  encodeReject,
  encodeRelease,
  Opcode,
  type SimpleMQError,
  StaleAck,
  type StreamRanges,
} from '@simplemq/protocol';
import type { StaleAcks } from '../connection/events.ts';
import type { Link } from '../connection/link.ts';
import type { Session } from '../connection/session.ts';
import { wholeDelay } from './backoff.ts';
import type { NackOptions } from './message.ts';
import type { Run } from './run.ts';
import { Settlement } from './settlement.ts';
import { inParts, joinedByStream, SettlementBatch } from './settlement-batch.ts';

/**
 * Settlements are sent at the end of the turn, or when so many messages are; and no frame has more ranges: the server
 * takes an envelope of too many values for a broken client's.
 */
const PER_FRAME_MAX = 2_048;

type Send = (batch: SettlementBatch) => void;

/** Folds one follower's settlements into frames, and tells those who wait how they went. Lives as long as a session. */
export class Settler {
  readonly #session: Session;
  readonly #link: Link;
  readonly #follower: number;
  #acks: SettlementBatch | undefined;
  /** Batches of the other kinds, by what their frames will say. */
  readonly #others = new Map<string, { readonly batch: SettlementBatch; readonly send: Send }>();
  #scheduled = false;

  constructor(session: Session, link: Link, follower: number) {
    this.#session = session;
    this.#link = link;
    this.#follower = follower;
  }

  ack(run: Run<unknown>, sequence: number): Settlement {
    let batch = this.#acks;
    if (batch === undefined) {
      batch = new SettlementBatch();
      this.#acks = batch;
      this.#schedule();
    }
    batch.add(run, sequence);
    const settlement = new Settlement(batch, run, sequence);
    if (batch.count >= PER_FRAME_MAX) {
      this.#sendAcks();
      this.#session.flush();
    }
    return settlement;
  }

  nack(run: Run<unknown>, sequence: number, options: NackOptions): Settlement {
    const delayMs = options.delayMs === undefined ? undefined : wholeDelay(options.delayMs);
    const reason = asText(options.reason);
    return this.#fold(`nack ${delayMs} ${reason}`, run, sequence, (batch) => {
      this.#send(batch, Opcode.Nack, (id) =>
        encodeNack(id, {
          follower: this.#follower,
          entries: batch.entries(),
          ...(delayMs !== undefined && { delayMs }),
          ...(reason !== undefined && { reason }),
        }),
      );
    });
  }

  reject(run: Run<unknown>, sequence: number, given: string | undefined): Settlement {
    const reason = asText(given);
    return this.#fold(`reject ${reason}`, run, sequence, (batch) => {
      this.#send(batch, Opcode.Reject, (id) =>
        encodeReject(id, {
          follower: this.#follower,
          entries: batch.entries(),
          ...(reason !== undefined && { reason }),
        }),
      );
    });
  }

  extend(run: Run<unknown>, sequence: number): Settlement {
    return this.#fold('extend', run, sequence, (batch) => {
      this.#send(batch, Opcode.Extend, (id) =>
        encodeExtend(id, { follower: this.#follower, entries: batch.entries() }),
      );
    });
  }

  /** Extends at once; `onStale` is told what was lost meanwhile. */
  extendAll(entries: readonly StreamRanges[], onStale: (stale: readonly StreamRanges[]) => void): void {
    const answered = (payload: Buffer) => {
      const { stale } = decodeSettled(payload);
      if (stale.length > 0) onStale(stale);
    };
    for (const part of inParts(joinedByStream(entries), PER_FRAME_MAX)) {
      this.#session.request(Opcode.Extend, { answered, refused: () => undefined }, (id) =>
        encodeExtend(id, { follower: this.#follower, entries: part }),
      );
    }
  }

  /** Acks at once; `onAnswer` is told which of them came too late, or `refused` why there is no such answer. */
  ackAll(
    entries: readonly StreamRanges[],
    onAnswer: (stale: readonly StreamRanges[]) => void,
    refused: (error: SimpleMQError) => void,
  ): void {
    const answered = (payload: Buffer) => onAnswer(decodeSettled(payload).stale);
    this.#session.request(Opcode.Ack, { answered, refused }, (id) =>
      encodeAck(id, { follower: this.#follower, entries }),
    );
  }

  /** Hands back what was not begun. `done` is called when the broker has it, or cannot have it any more. */
  release(entries: readonly StreamRanges[], done: () => void = () => undefined): void {
    const parts = inParts(joinedByStream(entries), PER_FRAME_MAX);
    let unanswered = parts.length;
    const answered = (): void => {
      if (--unanswered === 0) done();
    };
    for (const part of parts) {
      this.#session.request(Opcode.Release, { answered, refused: answered }, (id) =>
        encodeRelease(id, { follower: this.#follower, entries: part }),
      );
    }
  }

  /** Sends what was folded so far. */
  flush(): void {
    this.#sendAcks();
    const others = [...this.#others.values()];
    this.#others.clear();
    for (const { batch, send } of others) send(batch);
  }

  #fold(key: string, run: Run<unknown>, sequence: number, send: Send): Settlement {
    let folded = this.#others.get(key);
    if (folded === undefined) {
      folded = { batch: new SettlementBatch(), send };
      this.#others.set(key, folded);
      this.#schedule();
    }
    const { batch } = folded;
    batch.add(run, sequence);
    if (batch.count >= PER_FRAME_MAX) {
      this.#others.delete(key);
      send(batch);
    }
    return new Settlement(batch, run, sequence);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  #sendAcks(): void {
    const batch = this.#acks;
    if (batch === undefined) return;
    this.#acks = undefined;
    this.#send(batch, Opcode.Ack, (id) =>
      encodeAck(id, { follower: this.#follower, entries: batch.entries() }),
    );
  }

  #send(batch: SettlementBatch, opcode: number, encode: (id: number) => Buffer): void {
    this.#link.hold();
    const requester = {
      answered: (payload: Buffer) => {
        const unawaited = batch.answered(decodeSettled(payload).stale);
        if (unawaited.length > 0) this.#tell({ ranges: unawaited, error: unawaitedError(unawaited) });
        this.#link.release();
      },
      refused: (error: SimpleMQError) => {
        const unawaited = batch.failed(error);
        if (unawaited.length > 0) this.#tell({ ranges: unawaited, error });
        this.#link.release();
      },
    };
    this.#session.request(opcode, requester, encode);
  }

  #tell(stale: StaleAcks): void {
    this.#link.events.tell('staleAck', stale);
  }
}

/** A reason as the wire can have it: from a program without types it may be the error itself. */
function asText(reason: unknown): string | undefined {
  return reason === undefined || reason === null ? undefined : String(reason);
}

function unawaitedError(ranges: readonly StreamRanges[]): SimpleMQError {
  const streams = ranges.map(({ stream }) => stream).join(', ');
  return new StaleAck(`settlements of messages of ${streams} came too late; nothing changed`);
}
