import { decodeTransaction, encodeTransacted, type TransactionAcks } from '@simplemq/protocol';
import type { SessionFollowers } from '../session-followers.ts';
import { checkBatch } from './check-batch.ts';
import { producerStamp, type RequestHandler } from './request.ts';

export const transaction: RequestHandler = (context, requestId, payload) => {
  const { number, settled, acks, publishes } = decodeTransaction(payload);
  for (const { batch } of publishes) checkBatch(batch, context);
  const { engine, followers } = context;
  return (
    engine
      .transaction({
        publishes,
        acks: acks.map((ack) => new FollowerAcks(ack, followers)),
        producer: producerStamp(context, number, settled),
      })
      // As with a publish: the engine settles it only when all of it is as durable as its receipt says.
      .then((receipt) => encodeTransacted(requestId, receipt))
  );
};

/**
 * The acks of one follower, which is looked up only when the engine comes to it. A transaction that is sent again after
 * a reconnect names followers of the connection that is gone: if it was carried out the engine gives its receipt, and
 * never asks for them.
 */
class FollowerAcks {
  readonly entries: TransactionAcks['entries'];
  readonly #id: number;
  readonly #followers: SessionFollowers;

  constructor({ follower, entries }: TransactionAcks, followers: SessionFollowers) {
    this.entries = entries;
    this.#id = follower;
    this.#followers = followers;
  }

  /** @throws FollowerNotFound */
  get follower(): ReturnType<SessionFollowers['get']> {
    return this.#followers.get(this.#id);
  }
}
