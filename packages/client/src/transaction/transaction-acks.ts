import { InvalidOption, type TransactionAcks as WireAcks } from '@simplemq/protocol';
import type { Link } from '../connection/link.ts';
import type { HeldFollower } from '../follower/held-follower.ts';
import type { Message } from '../follower/message.ts';
import { SettlementBatch } from '../follower/settlement-batch.ts';

/** The messages that a transaction acks. */
export class TransactionAcks {
  readonly #link: Link;
  readonly #messages: Message<unknown>[] = [];
  readonly #byFollower = new Map<HeldFollower<unknown>, SettlementBatch>();

  constructor(link: Link) {
    this.#link = link;
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** @throws StaleAck; InvalidOption for a message of another connection */
  add(message: Message<unknown>): void {
    const { held } = message.run;
    if (held.link !== this.#link) {
      throw new InvalidOption('a transaction can ack only messages that came by its own connection', {
        details: { option: 'message' },
      });
    }
    if (!message.enlist()) return;
    this.#messages.push(message);
    let batch = this.#byFollower.get(held);
    if (batch === undefined) {
      batch = new SettlementBatch();
      this.#byFollower.set(held, batch);
    }
    batch.add(message.run, message.sequence);
  }

  /** From now on they count as acked, unless released. @throws StaleAck when one of them cannot be */
  commit(): void {
    for (const message of this.#messages) message.commit();
  }

  /** They can be settled otherwise, but for those whose lease is gone. */
  release(): void {
    for (const message of this.#messages) message.delist();
  }

  /** Whether the followers that hold them are still there. */
  get leasesHold(): boolean {
    return [...this.#byFollower.keys()].every((held) => held.alive);
  }

  entries(): WireAcks[] {
    return [...this.#byFollower].map(([held, batch]) => ({ follower: held.id, entries: batch.entries() }));
  }
}
