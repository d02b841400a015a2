import type { Message, SimpleMQError } from '@simplemq/client';
import type { FactLog } from '../history/fact-log.ts';
import { now } from '../history/facts.ts';
import { type Body, checksumOf } from './body.ts';

/** After these an ack may have been done or not. */
const UNKNOWN_CODES: ReadonlySet<string> = new Set([
  'ConnectionLost',
  'StaleAck',
  'StorageFull',
  'StorageFailed',
]);

/** Writes down what a follower sees and what becomes of its acks. */
export class Witness {
  readonly #name: string;
  readonly #connectedAt: () => number;
  readonly #log: FactLog;

  constructor(name: string, connectedAt: () => number, log: FactLog) {
    this.#name = name;
    this.#connectedAt = connectedAt;
    this.#log = log;
  }

  delivered({ stream, sequence, attempt, body }: Message<Body>): void {
    const { publisher, number, bytes } = body;
    this.#log.write({
      kind: 'delivered',
      at: now(),
      follower: this.#name,
      connectedAt: this.#connectedAt(),
      stream,
      sequence,
      attempt,
      publisher,
      number,
      checksum: checksumOf(bytes),
    });
  }

  settling({ stream, sequence, attempt }: Message<Body>): void {
    this.#log.write({ kind: 'settling', at: now(), stream, sequence, attempt });
  }

  async ack(message: Message<Body>): Promise<void> {
    this.settling(message);
    await this.#settled('acked', message, message.ack());
  }

  async nack(message: Message<Body>, delayMs: number): Promise<void> {
    this.settling(message);
    await this.#settled('nacked', message, message.nack({ delayMs }));
  }

  /** An ack whose connection was lost may have been done or not; one that came too late was not. */
  async #settled(kind: 'acked' | 'nacked', message: Message<Body>, done: Promise<void>): Promise<void> {
    const connectedAt = this.#connectedAt();
    try {
      await done;
    } catch (error) {
      const { code } = error as SimpleMQError;
      if (UNKNOWN_CODES.has(code)) return;
      throw error;
    }
    const { stream, sequence, attempt } = message;
    this.#log.write({ kind, at: now(), connectedAt, stream, sequence, attempt });
  }
}
