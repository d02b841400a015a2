import type { Codec } from '../codec/codec.ts';
import type { StandardSchema } from '../schema/standard-schema.ts';

// biome-ignore lint/suspicious/noExplicitAny: options without a schema suit any body
export interface PublisherOptions<T = any> {
  /** How much may be sent and not confirmed: 65,536 messages and 64 MiB unless set. Past it messages wait. */
  maxInFlight?: { messages?: number; bytes?: number };
  /** Default msgpack. */
  // biome-ignore lint/suspicious/noExplicitAny: a codec of any body will do
  codec?: Codec<any>;
  /** A regex bind that matches no stream is NoMatchingStream. Default false: the receipt names no streams. */
  mustMatch?: boolean;
  /**
   * Bodies that it does not find valid are InvalidOption, and are not sent. A body goes as it was given, not as the
   * schema would change it. Sends keep their order, also where validating takes its time.
   */
  schema?: StandardSchema<T, unknown>;
}
