import type { Fields } from '../envelope/fields.ts';

/** How a stream is kept. What is left out has the default that the broker names. */
export interface StreamOptions {
  /** 'file' survives a restart; 'memory' does not. Default 'file'. */
  readonly storage?: string;
  /** 'work' removes a message once every group has acked it. Default 'work'. */
  readonly retention?: string;
}

export function readStreamOptions(fields: Fields | undefined): StreamOptions {
  if (fields === undefined) return {};
  const storage = fields.optionalString('storage');
  const retention = fields.optionalString('retention');
  fields.end();
  return { ...(storage !== undefined && { storage }), ...(retention !== undefined && { retention }) };
}
