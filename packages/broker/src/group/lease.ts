/** A follower in a group, as its leases know it. */
export interface LeaseHolder {
  readonly follower: { readonly id: number; readonly client: string };
  readonly leases: LeaseList;
}

/**
 * The right of one follower to the entries of one delivery. Its ranges are in the pending entry list; `live` counts
 * the messages of them that are still there.
 */
export class Lease {
  readonly kind = 'lease' as const;
  readonly holder: LeaseHolder;
  /** The books that it stands in. */
  readonly books: object;
  readonly attempt: number;
  readonly deliveredAt: number;
  /** The ranges lie within these. */
  readonly first: number;
  readonly last: number;
  /** When it expires, by the monotonic clock. */
  readonly deadline: number;
  live: number;
  // Neighbours in the holder's list, oldest deadline first.
  previous: Lease | undefined = undefined;
  next: Lease | undefined = undefined;

  constructor(fields: LeaseFields) {
    this.holder = fields.holder;
    this.books = fields.books;
    this.attempt = fields.attempt;
    this.deliveredAt = fields.deliveredAt;
    this.first = fields.first;
    this.last = fields.last;
    this.deadline = fields.deadline;
    this.live = fields.last - fields.first + 1;
  }
}

export interface LeaseFields {
  readonly holder: LeaseHolder;
  readonly books: object;
  readonly attempt: number;
  readonly deliveredAt: number;
  readonly first: number;
  readonly last: number;
  readonly deadline: number;
}

/**
 * One follower's leases on one stream.
 *
 * Invariant: ordered by deadline, because every lease of a follower lasts equally long and joins at the end.
 */
export class LeaseList {
  /** The messages of all leases that are still there; kept by who changes them. */
  live = 0;
  #head: Lease | undefined = undefined;
  #tail: Lease | undefined = undefined;

  get oldest(): Lease | undefined {
    return this.#head;
  }

  append(lease: Lease): void {
    lease.previous = this.#tail;
    if (this.#tail === undefined) this.#head = lease;
    else this.#tail.next = lease;
    this.#tail = lease;
  }

  remove(lease: Lease): void {
    if (lease.previous === undefined) this.#head = lease.next;
    else lease.previous.next = lease.next;
    if (lease.next === undefined) this.#tail = lease.previous;
    else lease.next.previous = lease.previous;
    lease.previous = undefined;
    lease.next = undefined;
  }
}
