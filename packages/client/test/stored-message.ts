import {
  type Attributes,
  BatchBuilder,
  decodeAttributes,
  decodeBatch,
  encodeAttributes,
  RECORD_RAW,
  readRecord,
} from '@simplemq/protocol';

/** A record as the fake broker keeps it, with what its batch said of all records. */
export interface StoredRecord {
  readonly record: Buffer;
  readonly flags: number;
  readonly shared: Buffer;
}

/** Who has a lease. */
export interface Holder {
  readonly id: number;
  readonly peer: { readonly client: string };
}

export interface StoredMessage extends StoredRecord {
  readonly sequence: number;
  attempt: number;
  holder: Holder | undefined;
  done: boolean;
}

/** What a message has beside its body. */
export function attributesOf({ record, shared }: Pick<StoredRecord, 'record' | 'shared'>): Attributes {
  const { attributes } = readRecord(record, 0);
  return {
    ...(shared.length > 0 && decodeAttributes(shared)),
    ...(attributes.length > 0 && decodeAttributes(attributes)),
  };
}

/** The record of a message that was rejected, for the dead-letter stream. */
export function deadRecord(stream: string, message: StoredMessage, error: string): StoredRecord {
  const { body, flags } = readRecord(message.record, 0);
  const { sequence, attempt } = message;
  const dead = {
    stream,
    group: 'workers',
    sequence,
    publishedAt: 1_600_000_000_000,
    diedAt: 1_700_000_000_000,
    cause: 'rejected',
    error,
    attempts: [{ attempt, at: 1_700_000_000_000, cause: 'rejected', error }],
  };
  const builder = new BatchBuilder();
  builder.append(body, (flags & RECORD_RAW) !== 0, encodeAttributes({ ...attributesOf(message), dead }));
  const batch = decodeBatch(builder.finish());
  return { record: batch.records, flags: batch.flags, shared: batch.shared };
}
