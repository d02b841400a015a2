import {
  ATTRIBUTES_BYTES_MAX,
  type Attributes,
  BatchBuilder,
  type DeadLetter,
  decodeAttributes,
  decodeBatch,
  encodeAttributes,
  type FailedAttempt,
  RECORD_RAW,
  type RecordBatch,
  type RecordView,
  readRecord,
  skipRecords,
} from '@simplemq/protocol';
import type { Death, Group } from '../group/group.ts';
import type { StoredFailure } from '../store/store.ts';
import type { Batch } from '../stream/batch.ts';

/** Failed attempts that a dead letter tells of: the last ones. */
const ATTEMPTS_MAX = 100;
/** And bytes of them: with all else that `dead` has they are fewer than attributes may have. */
const ATTEMPTS_BYTES_MAX: number = 56 * 1024;
/** What an attempt takes beside its error, at the most. */
const ATTEMPT_BYTES = 64;

const UNKNOWN = 'the broker stopped while the message was in hand';

export function deadStreamOf(stream: string): string {
  return `$dead.${stream}`;
}

/** The dead letter of a message of `batch`: its body, headers and key, and how it came to die. */
export function letterOf(
  group: Group,
  death: Death,
  sequence: number,
  batch: Batch,
  failures: readonly StoredFailure[],
): RecordBatch {
  const record = recordAt(batch, sequence);
  const { headers, key, priority, messageId } = attributesOf(batch, record);
  const dead: DeadLetter = {
    stream: group.stream.name,
    group: group.name,
    sequence,
    publishedAt: batch.time,
    diedAt: Date.now(),
    cause: death.cause,
    error: death.error ?? failures.at(-1)?.error ?? UNKNOWN,
    attempts: lastOf(attemptsOf(death, batch.time, failures)),
  };
  return batchOfOne(record, kept({ headers, key, priority, messageId }), { dead });
}

/** A dead letter as the message that it was, for the group in which it died. */
export function redrivenOf(batch: Batch): {
  letter: DeadLetter;
  batch: RecordBatch;
  priority: number | undefined;
} {
  const record = recordAt(batch, batch.first);
  const { headers, key, priority, messageId, dead } = attributesOf(batch, record);
  const own = batchOfOne(record, kept({ headers, key, priority, messageId }), { group: dead!.group });
  return { letter: dead!, batch: own, priority };
}

export function deadLetterOf(batch: Batch): Attributes & { readonly dead: DeadLetter } {
  return attributesOf(batch, recordAt(batch, batch.first)) as Attributes & { dead: DeadLetter };
}

function recordAt({ records, first }: Batch, sequence: number): RecordView {
  return readRecord(records, skipRecords(records, 0, sequence - first));
}

function attributesOf({ shared }: Batch, { attributes }: RecordView): Attributes {
  const common = shared.length > 0 ? decodeAttributes(shared) : {};
  return attributes.length > 0 ? { ...common, ...decodeAttributes(attributes) } : common;
}

/** @param given what the message gets beside what it had */
function batchOfOne({ body, flags }: RecordView, had: Attributes, given: Attributes): RecordBatch {
  const { own, shared } = encodeBoth(had, given);
  const builder = new BatchBuilder({ initialBytes: body.length + 1_024, ...(shared && { shared }) });
  builder.append(body, (flags & RECORD_RAW) !== 0, own);
  return decodeBatch(builder.finish());
}

/** In one map; where that would be too long, what the message had goes into the attributes that its batch shares. */
function encodeBoth(had: Attributes, given: Attributes): { own: Buffer; shared?: Buffer } {
  const own = encodeAttributes({ ...had, ...given });
  if (own.length <= ATTRIBUTES_BYTES_MAX) return { own };
  const shared = encodeAttributes(had);
  // It may have had so much only as shared attributes and some of its own.
  if (shared.length > ATTRIBUTES_BYTES_MAX) return { own };
  return { own: encodeAttributes(given), shared };
}

function kept(attributes: { [K in keyof Attributes]: Attributes[K] | undefined }): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

/** The last of the attempts, as many as there is room for. */
function lastOf(attempts: readonly FailedAttempt[]): readonly FailedAttempt[] {
  const start = Math.max(0, attempts.length - ATTEMPTS_MAX);
  let first = attempts.length;
  for (let bytes = 0; first > start; first--) {
    bytes += ATTEMPT_BYTES + Buffer.byteLength(attempts[first - 1]!.error);
    if (bytes > ATTEMPTS_BYTES_MAX) break;
  }
  return attempts.slice(first);
}

/**
 * Every attempt: one that is not on record was in hand when the broker stopped, at some time after the one before it.
 */
function attemptsOf(death: Death, publishedAt: number, failures: readonly StoredFailure[]): FailedAttempt[] {
  const attempts: FailedAttempt[] = [];
  const fillUpTo = (attempt: number): void => {
    for (let next = (attempts.at(-1)?.attempt ?? 0) + 1; next < attempt; next++) {
      const at = attempts.at(-1)?.at ?? publishedAt;
      attempts.push({ attempt: next, at, cause: 'unknown', error: UNKNOWN });
    }
  };
  for (const failure of failures) {
    fillUpTo(failure.attempt);
    attempts.push(toAttempt(failure));
  }
  fillUpTo((death.attempt ?? 0) + 1);
  return attempts;
}

function toAttempt({ attempt, at, cause, error }: StoredFailure): FailedAttempt {
  return { attempt, at, cause, error };
}
