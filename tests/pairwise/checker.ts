import type { Delivery } from '../../packages/broker/test/recording-follower.ts';
import type { Published, Seen } from './record.ts';
import type { Settings } from './settings.ts';

/** How long a look at the clock and the delivery after it may be apart, in ms. */
const LATE_MS = 50;

/** What one group may be given, and was: throws when a delivery is one that must not be. */
export class GroupChecker {
  readonly name: string;
  readonly seen: Map<number, Seen> = new Map();
  readonly #settings: Settings;
  readonly #published: ReadonlyMap<string, Published>;
  /** Of each lane (or key), the highest number that was delivered for the first time. */
  #highest = new Map<string, number>();
  /** Sequence numbers with their bodies, over all groups and crashes. */
  readonly #bodies: Map<number, string>;

  constructor(
    name: string,
    settings: Settings,
    published: ReadonlyMap<string, Published>,
    bodies: Map<number, string>,
  ) {
    this.name = name;
    this.#settings = settings;
    this.#published = published;
    this.#bodies = bodies;
  }

  /** @param time when the message entered the stream, in ms since 1970 */
  delivered(holder: object, { sequence, attempt, body }: Delivery, time: number): void {
    const where = `${this.name}: message ${sequence} ('${body}'), attempt ${attempt}`;
    const published = this.#published.get(body);
    if (published === undefined) throw new Error(`${where}: was never published`);
    if (published.refused) throw new Error(`${where}: was refused, or is a duplicate`);
    const known = this.#bodies.get(sequence);
    if (known !== undefined && known !== body) throw new Error(`${where}: this number was '${known}'`);
    this.#bodies.set(sequence, body);
    if (published.sequence !== undefined && published.sequence !== sequence)
      throw new Error(`${where}: its receipt says ${published.sequence}`);
    if (performance.now() < published.notBefore - 1) throw new Error(`${where}: before it is due`);
    if (published.ttlMs !== undefined && Date.now() > time + published.ttlMs + LATE_MS)
      throw new Error(`${where}: ${Date.now() - time} ms old, and its ttl is ${published.ttlMs}`);
    const before = this.seen.get(sequence);
    if (before?.acked === true) throw new Error(`${where}: was acked`);
    if (before?.holder !== undefined) throw new Error(`${where}: is with another`);
    if (before !== undefined && attempt < before.attempt)
      throw new Error(`${where}: was in attempt ${before.attempt}`);
    if (attempt > this.#settings.maxDeliveries)
      throw new Error(`${where}: more than ${this.#settings.maxDeliveries}`);
    this.#checkKey(published, sequence, where);
    if (before === undefined) this.#checkOrder(published, sequence, where);
    const seen = before ?? { body, holder: undefined, attempt, acked: false, ackUnknown: false };
    seen.holder = holder;
    seen.attempt = attempt;
    this.seen.set(sequence, seen);
  }

  /** After a crash or restart: nothing is held, and what was delivered last may not have been counted. */
  restarted(): void {
    this.#highest = new Map();
    for (const seen of this.seen.values()) {
      seen.holder = undefined;
      seen.attempt = 1;
    }
  }

  #checkKey({ key }: Published, sequence: number, where: string): void {
    const { ordering, keyConcurrency } = this.#settings;
    const limit = ordering === 'key' ? 1 : keyConcurrency;
    if (limit === 0 || key === undefined) return;
    const out = [...this.seen].filter(([other, { holder, body }]) => {
      return holder !== undefined && other !== sequence && this.#published.get(body)!.key === key;
    });
    if (out.length >= limit)
      throw new Error(`${where}: ${out.map(([other]) => other)} of its key are out already`);
  }

  /** First deliveries are in order of their lane; ordered by key, in that of their key within the lane. */
  #checkOrder({ lane, key }: Published, sequence: number, where: string): void {
    const isGated =
      (this.#settings.ordering === 'key' || this.#settings.keyConcurrency > 0) && key !== undefined;
    const track = isGated ? `${lane} ${key}` : `${lane}`;
    const highest = this.#highest.get(track) ?? 0;
    if (sequence < highest) throw new Error(`${where}: comes after ${highest}`);
    this.#highest.set(track, sequence);
  }
}
