import type { Fields } from '../envelope/fields.ts';
import { present } from '../envelope/present.ts';

/** How a stream is kept. What is left out has the default that the broker names. */
export interface StreamOptions {
  /** 'file' survives a restart; 'memory' does not. Default 'file'. */
  readonly storage?: string;
  /** 'work' removes a message once every group has acked it, 'log' keeps it until a limit is met. Default 'work'. */
  readonly retention?: string;
  /** Messages older than this go, delivered or not, in ms; 0 for no limit, which is the default. */
  readonly maxAgeMs?: number;
  /** The most bytes that the stream holds; 0 for no limit, which is the default. */
  readonly maxBytes?: number;
  /** The most messages that the stream holds; 0 for no limit, which is the default. */
  readonly maxMessages?: number;
  /** At maxBytes or maxMessages 'reject' refuses what comes, 'drop-oldest' makes room for it. Default 'reject'. */
  readonly overflow?: string;
  /** For how long a message id is remembered, in ms; 0 for not at all. Default 120,000. */
  readonly dedupWindowMs?: number;
  /** The stream goes when nobody published to it or followed it for so long, in ms; 0 for never, which is the default. */
  readonly expireAfterMs?: number;
}

export function readStreamOptions(fields: Fields | undefined): StreamOptions {
  if (fields === undefined) return {};
  const options = present<StreamOptions>({
    storage: fields.optionalString('storage'),
    retention: fields.optionalString('retention'),
    maxAgeMs: fields.optionalInteger('maxAgeMs'),
    maxBytes: fields.optionalInteger('maxBytes'),
    maxMessages: fields.optionalInteger('maxMessages'),
    overflow: fields.optionalString('overflow'),
    dedupWindowMs: fields.optionalInteger('dedupWindowMs'),
    expireAfterMs: fields.optionalInteger('expireAfterMs'),
  });
  fields.end();
  return options;
}
