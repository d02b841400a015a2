import { type Fields, fieldsOf } from '../envelope/fields.ts';

/** What became of a message before it came to a dead-letter stream: its attribute `dead`. */
export interface DeadLetter {
  /** Where it died, and in which group. */
  readonly stream: string;
  readonly group: string;
  /** Its sequence number there. */
  readonly sequence: number;
  /** When the broker took it in, in milliseconds since 1970 UTC. */
  readonly publishedAt: number;
  readonly diedAt: number;
  /** 'maxDeliveries', 'rejected' or 'expired' (its ttlMs). */
  readonly cause: string;
  /** The last error, for people; may be empty. */
  readonly error: string;
  /** From the first to the last. */
  readonly attempts: readonly FailedAttempt[];
}

/** One delivery that failed. */
export interface FailedAttempt {
  readonly attempt: number;
  /** When it failed, in milliseconds since 1970 UTC. */
  readonly at: number;
  /** 'nack', 'expired' (the lease), 'disconnected', 'rejected' or 'unknown'. */
  readonly cause: string;
  /** For people; may be empty. */
  readonly error: string;
}

export function readDeadLetter(fields: Fields): DeadLetter {
  const dead = {
    stream: fields.string('stream'),
    group: fields.string('group'),
    sequence: fields.integer('sequence'),
    publishedAt: fields.integer('publishedAt'),
    diedAt: fields.integer('diedAt'),
    cause: fields.string('cause'),
    error: fields.string('error'),
    attempts: fields.array('attempts').map((attempt) => readAttempt(fieldsOf('a failed attempt', attempt))),
  };
  fields.end();
  return dead;
}

function readAttempt(fields: Fields): FailedAttempt {
  const failed = {
    attempt: fields.integer('attempt'),
    at: fields.integer('at'),
    cause: fields.string('cause'),
    error: fields.string('error'),
  };
  fields.end();
  return failed;
}
