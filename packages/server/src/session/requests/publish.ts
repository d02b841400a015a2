import {
  type Attributes,
  decodeAttributes,
  decodePublish,
  encodeConfirm,
  MessageTooLarge,
  type RecordBatch,
  Unsupported,
  validateRecords,
} from '@simplemq/protocol';
import type { RequestHandler } from './request.ts';

/** The attributes that not every engine has, with the feature that each needs. */
const FEATURE_OF: readonly (readonly [attribute: keyof Attributes, feature: string])[] = [
  ['priority', 'priority'],
  ['deliverAt', 'delay'],
  ['ttlMs', 'ttl'],
  ['messageId', 'dedup'],
];

export const publish: RequestHandler = ({ engine, limits, peer }, requestId, payload) => {
  const { bind, batch, mustMatch, number, settled } = decodePublish(payload);
  checkBatch(batch, limits.maxMessageBytes, engine.features);
  return (
    engine
      .publish({
        bind,
        batch,
        producer: { id: peer.producer, number, settled },
        ...(mustMatch !== undefined && { mustMatch }),
      })
      // The one place that confirms: the engine settles a publish only when it is as durable as its receipt says.
      .then((receipt) => encodeConfirm(requestId, receipt))
  );
};

/** One pass over the records, so that nothing behind it has to doubt their lengths, sizes or attributes. */
function checkBatch(batch: RecordBatch, maxMessageBytes: number, features: readonly string[]): void {
  if (batch.shared.length > 0) checkAttributes(batch.shared, features);
  let largestBytes = 0;
  validateRecords(batch, {
    onAttributes: (attributes) => checkAttributes(attributes, features),
    onBody: (bytes) => {
      if (bytes > largestBytes) largestBytes = bytes;
    },
  });
  if (largestBytes > maxMessageBytes) {
    throw new MessageTooLarge(
      `a message has a body of ${largestBytes} bytes; the limit is ${maxMessageBytes} (limits.maxMessageBytes)`,
      { details: { limit: 'maxMessageBytes', value: largestBytes, max: maxMessageBytes } },
    );
  }
}

function checkAttributes(encoded: Buffer, features: readonly string[]): void {
  const attributes = decodeAttributes(encoded);
  for (const [attribute, feature] of FEATURE_OF) {
    if (attributes[attribute] !== undefined && !features.includes(feature)) {
      throw new Unsupported(`a message has '${attribute}', but this server lacks the feature '${feature}'`, {
        details: { feature },
      });
    }
  }
}
