import {
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
    attempts: attemptsOf(death, batch.time, failures).slice(-ATTEMPTS_MAX),
  };
  return batchOfOne(record, { ...kept({ headers, key, priority, messageId }), dead });
}

/** A dead letter as the message that it was, for the group in which it died. */
export function redrivenOf(batch: Batch): {
  letter: DeadLetter;
  batch: RecordBatch;
  priority: number | undefined;
} {
  const record = recordAt(batch, batch.first);
  const { headers, key, priority, messageId, dead } = attributesOf(batch, record);
  const attributes = { ...kept({ headers, key, priority, messageId }), group: dead!.group };
  return { letter: dead!, batch: batchOfOne(record, attributes), priority };
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

function batchOfOne({ body, flags }: RecordView, attributes: Attributes): RecordBatch {
  const builder = new BatchBuilder({ initialBytes: body.length + 1_024 });
  builder.append(body, (flags & RECORD_RAW) !== 0, encodeAttributes(attributes));
  return decodeBatch(builder.finish());
}

function kept(attributes: { [K in keyof Attributes]: Attributes[K] | undefined }): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
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
