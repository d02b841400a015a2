import type { StreamRanges } from '@simplemq/protocol';
import { expect } from 'vitest';
import type { Delivery } from '../../recording-follower.ts';

/** What was told of each message and what was seen of it, so that one that is lost or is there twice is found. */
export class Fates {
  readonly #confirmed = new Set<string>();
  /** Bodies that were published with the same message id: one of them at the most is stored. */
  readonly #byId = new Map<string, string[]>();
  /** Each sequence number that a body came with: it has a new one when it is redriven. */
  readonly #came = new Map<string, Set<number>>();
  readonly #rejected = new Map<string, Set<number>>();
  readonly #acked = new Set<number>();
  /** Those whose acks were refused, which have to come again. */
  readonly #toCome = new Set<number>();
  readonly #faults: string[] = [];
  #published = 0;
  #mayBeGoneTo = 0;
  /** Delayed ones that were published before may have been cancelled. */
  #mayBeCancelledTo = 0;
  #isAnyGone = false;

  /** @returns bodies that nothing else has */
  publish(count: number): string[] {
    return Array.from({ length: count }, () => `${this.#published++}`);
  }

  share(id: string, body: string): void {
    this.#byId.set(id, [...(this.#byId.get(id) ?? []), body]);
  }

  /** Those that may be gone already are not missed; with ids, what they repeat may have gone before they came. */
  confirm(bodies: readonly string[], { isDelayed = false, hasIds = false } = {}): void {
    if (this.#mayBeGoneTo === Number.POSITIVE_INFINITY || (hasIds && this.#isAnyGone)) return;
    for (const body of bodies) {
      if (!isDelayed || Number(body) >= this.#mayBeCancelledTo) this.#confirmed.add(body);
    }
  }

  come(deliveries: readonly Delivery[]): void {
    for (const { sequence, body } of deliveries) {
      this.#toCome.delete(sequence);
      if (this.#acked.has(sequence)) this.#faults.push(`${body} (${sequence}) came after its ack`);
      add(this.#came, body, sequence);
    }
  }

  ack(held: readonly Delivery[], stale: readonly StreamRanges[] = []): void {
    const late = stale.flatMap(({ ranges }) => ranges);
    for (const { sequence } of held) {
      if (late.some(({ first, last }) => first <= sequence && sequence <= last)) continue;
      this.#toCome.delete(sequence);
      this.#acked.add(sequence);
    }
  }

  reject(held: readonly Delivery[]): void {
    for (const { body, sequence } of held) add(this.#rejected, body, sequence);
  }

  haveToCome(held: readonly Delivery[]): void {
    for (const { sequence } of held) this.#toCome.add(sequence);
  }

  mayNotCome(held: readonly Delivery[]): void {
    for (const { sequence } of held) this.#toCome.delete(sequence);
  }

  mayBeGone(through: number): void {
    this.#isAnyGone = true;
    this.#mayBeGoneTo = Math.max(this.#mayBeGoneTo, through);
    this.#confirmed.clear();
  }

  delayedMayBeGone(): void {
    this.mayBeGone(0);
    this.#mayBeCancelledTo = this.#published;
  }

  deadMayBeGone(): void {
    this.#isAnyGone = true;
  }

  /** @param dead the bodies of the dead letters that are left, when nothing else is */
  check(dead: readonly string[]): void {
    const missing = [...this.#confirmed].filter(
      (body) => !this.#sameAs(body).some((one) => this.#came.has(one)),
    );
    const toCome = [...this.#toCome].filter((sequence) => sequence >= this.#mayBeGoneTo);
    this.#count(dead);
    for (const [id, bodies] of this.#byId) {
      const came = bodies.filter((body) => this.#came.has(body));
      if (came.length > 1) this.#faults.push(`all of ${came} came with the message id ${id}`);
    }
    expect({ missing, toCome, faults: this.#faults }).toEqual({ missing: [], toCome: [], faults: [] });
  }

  /** Each message that was rejected is in the dead letters, or came again from there, once. */
  #count(dead: readonly string[]): void {
    for (const [body, sequences] of this.#came) {
      const rejected = this.#rejected.get(body) ?? new Set();
      const more = sequences.size - 1 + dead.filter((other) => other === body).length;
      if (more > rejected.size) this.#faults.push(`${body} is there ${more} times more, of ${rejected.size}`);
      const mayBeFewer = this.#isAnyGone || [...rejected].some((sequence) => this.#acked.has(sequence));
      if (more < rejected.size && !mayBeFewer)
        this.#faults.push(`${body} is lost: ${more} of ${rejected.size}`);
    }
  }

  #sameAs(body: string): readonly string[] {
    return [...this.#byId.values()].find((bodies) => bodies.includes(body)) ?? [body];
  }
}

function add(map: Map<string, Set<number>>, body: string, sequence: number): void {
  map.set(body, (map.get(body) ?? new Set()).add(sequence));
}
