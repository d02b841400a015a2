import {
  type Attributes,
  BatchBuilder,
  encodeAttributes,
  encodeFollow,
  encodePublishHead,
  encodeSaveScheduleHead,
  type SaveSchedule,
} from '@simplemq/protocol';

export interface PublishFrame {
  readonly requestId: number;
  readonly number?: number;
  readonly stream?: string;
  readonly bodies?: readonly Uint8Array[];
  readonly attributes?: Attributes;
  readonly shared?: Attributes;
}

/** A PUBLISH, head and batch. */
export function publishFrame(options: PublishFrame): Uint8Array[] {
  const { requestId, number = requestId, stream = 'orders' } = options;
  const batch = batchBytes(options);
  return [encodePublishHead(requestId, { bind: { stream }, number, settled: 0 }, batch.length), batch];
}

export function batchBytes(options: Omit<PublishFrame, 'requestId'>): Buffer {
  const { bodies = [Buffer.from('hello')], attributes, shared } = options;
  const builder = new BatchBuilder(shared === undefined ? {} : { shared: encodeAttributes(shared) });
  const encoded = attributes && encodeAttributes(attributes);
  for (const body of bodies) builder.append(body, true, encoded);
  return builder.finish();
}

export function saveScheduleFrame(
  requestId: number,
  schedule: SaveSchedule,
  { body = Buffer.from('hello'), attributes }: { body?: Uint8Array; attributes?: Attributes } = {},
): Uint8Array[] {
  const batch = batchBytes({ bodies: [body], ...(attributes && { attributes }) });
  return [encodeSaveScheduleHead(requestId, schedule, batch.length), batch];
}

export function followFrame(requestId: number, stream = 'orders'): Buffer {
  return encodeFollow(requestId, { bind: { stream }, upTo: 1_000, bytesUpTo: 2 ** 30 });
}
