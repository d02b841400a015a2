import {
  MessageTooLarge,
  ProtocolViolation,
  type RecordBatch,
  type ScannedAttributes,
  scanAttributes,
  scanLeadingAttributes,
  validateRecords,
} from '@simplemq/protocol';
import { checkFeature } from './features.ts';
import type { RequestContext } from './request.ts';

/**
 * One pass over the records of a batch that a client sent, so that nothing behind it has to doubt their lengths, sizes
 * or attributes.
 *
 * @throws ProtocolViolation, MessageTooLarge, or Unsupported when the engine lacks what an attribute needs
 */
export function checkBatch(batch: RecordBatch, { engine, limits }: RequestContext): void {
  const { features } = engine;
  const { maxMessageBytes } = limits;
  const shared = batch.shared.length > 0 ? scanAttributes(batch.shared) : undefined;
  if (shared !== undefined) checkAttributes(shared, features);
  let largestBytes = 0;
  validateRecords(batch, {
    readAttributes: (records, start, end) => {
      const attributes = scanLeadingAttributes(records, start, end);
      checkAttributes(attributes, features);
      if (shared !== undefined) checkTogether(shared, attributes);
      return attributes.end;
    },
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

function checkAttributes(attributes: ScannedAttributes, features: readonly string[]): void {
  const { priority, deliverAt, delayMs, ttlMs, messageId, group, isDead } = attributes;
  if (priority !== undefined) checkFeature(features, 'priority', "a message has 'priority'");
  if (deliverAt !== undefined) checkFeature(features, 'delay', "a message has 'deliverAt'");
  if (delayMs !== undefined) checkFeature(features, 'delay', "a message has 'delayMs'");
  if (ttlMs !== undefined) checkFeature(features, 'ttl', "a message has 'ttlMs'");
  if (messageId !== undefined) checkFeature(features, 'dedup', "a message has 'messageId'");
  if (group !== undefined || isDead) {
    throw new ProtocolViolation(
      `a message has '${isDead ? 'dead' : 'group'}', which only the broker gives to messages`,
    );
  }
}

/** Within one map the scan has seen to it; here the two come from the batch and from one of its records. */
function checkTogether(shared: ScannedAttributes, own: ScannedAttributes): void {
  const hasTime = shared.deliverAt !== undefined || own.deliverAt !== undefined;
  if (hasTime && (shared.delayMs !== undefined || own.delayMs !== undefined)) {
    throw new ProtocolViolation("a message has both 'deliverAt' and 'delayMs'; it may have one of them");
  }
}
