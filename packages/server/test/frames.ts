import {
  type Attributes,
  BatchBuilder,
  encodeAttributes,
  encodeFollow,
  encodePublishHead,
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
  const { requestId, stream = 'orders', bodies = [Buffer.from('hello')], attributes, shared } = options;
  const builder = new BatchBuilder(shared === undefined ? {} : { shared: encodeAttributes(shared) });
  const encoded = attributes && encodeAttributes(attributes);
  for (const body of bodies) builder.append(body, true, encoded);
  const batch = builder.finish();
  const number = options.number ?? requestId;
  return [encodePublishHead(requestId, { bind: { stream }, number, settled: 0 }, batch.length), batch];
}

export function followFrame(requestId: number, stream = 'orders'): Buffer {
  return encodeFollow(requestId, { bind: { stream }, upTo: 1_000, bytesUpTo: 2 ** 30 });
}
