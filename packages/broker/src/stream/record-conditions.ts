import {
  BATCH_PLAIN,
  RECORD_ATTRIBUTES,
  RECORD_HEADER_BYTES,
  type ScannedAttributes,
  scanAttributes,
  scanLeadingAttributes,
  skipRecords,
} from '@simplemq/protocol';
import type { Batch } from './batch.ts';

/** What decides whether the messages of a batch may be delivered at all. Most batches have none of it. */
export interface RecordConditions {
  /** When each message expires, in milliseconds since 1970 UTC; absent when none does. */
  readonly expiresAt?: Float64Array;
  /** The one group that each message is for; absent when all are for every group. */
  readonly groups?: readonly (string | undefined)[];
}

const NONE: RecordConditions = {};

export function readConditions(batch: Batch): RecordConditions {
  if (batch.isBare) return NONE;
  let expiresAt: Float64Array | undefined;
  let groups: (string | undefined)[] | undefined;
  forEachAttributes(batch, (index, { ttlMs, group }) => {
    if (ttlMs !== undefined) {
      expiresAt ??= new Float64Array(batch.count).fill(Number.POSITIVE_INFINITY);
      expiresAt[index] = batch.time + ttlMs;
    }
    if (group !== undefined) {
      groups ??= new Array<string | undefined>(batch.count).fill(undefined);
      groups[index] = group.toString();
    }
  });
  if (expiresAt === undefined && groups === undefined) return NONE;
  return { ...(expiresAt && { expiresAt }), ...(groups && { groups }) };
}

export function readKeys(batch: Batch): readonly (string | undefined)[] {
  const keys = new Array<string | undefined>(batch.count).fill(undefined);
  if (batch.isBare) return keys;
  forEachAttributes(batch, (index, { key }) => {
    if (key !== undefined) keys[index] = key.toString();
  });
  return keys;
}

/** Calls back with the attributes of each record that has some: those that all share first, then its own. */
function forEachAttributes(
  { shared, records, flags, count }: Batch,
  callback: (index: number, attributes: ScannedAttributes) => void,
): void {
  if (shared.length > 0) {
    const attributes = scanAttributes(shared);
    for (let index = 0; index < count; index++) callback(index, attributes);
  }
  if (flags === BATCH_PLAIN) return;
  let offset = 0;
  for (let index = 0; index < count; index++) {
    const end = skipRecords(records, offset, 1);
    if ((records[offset + 4]! & RECORD_ATTRIBUTES) !== 0) {
      callback(index, scanLeadingAttributes(records, offset + RECORD_HEADER_BYTES, end));
    }
    offset = end;
  }
}
