import { Bind } from '../bind.ts';
import type { Codec } from '../codec/codec.ts';
import type { Connection } from '../connection/connection.ts';
import { Follower } from '../follower/follower.ts';
import type { FollowerOptions } from '../follower/follower-options.ts';
import { Publisher } from '../publisher/publisher.ts';
import type { PublisherOptions } from '../publisher/publisher-options.ts';
import type { StandardSchema } from './standard-schema.ts';

export interface StreamDefinitionOptions<T, I = T> {
  /** What bodies must be like, when they are sent and when they arrive. */
  schema?: StandardSchema<I, T>;
  /** Default msgpack. */
  // biome-ignore lint/suspicious/noExplicitAny: a codec of any body will do
  codec?: Codec<any>;
}

/**
 * A stream by name together with what its bodies are, for all who publish to it and follow it. `T` is what followers
 * get, `I` what publishers give, where a schema makes the one of the other.
 */
export interface StreamDefinition<T = unknown, I = T> {
  readonly name: string;
  readonly bind: Bind;
  readonly schema: StandardSchema<I, T> | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: a codec of any body will do
  readonly codec: Codec<any> | undefined;
  publisher(connection: Connection, options?: Omit<PublisherOptions<I>, 'schema' | 'codec'>): Publisher<I>;
  follower(connection: Connection, options?: Omit<FollowerOptions<T>, 'schema' | 'codec'>): Follower<T>;
}

/**
 * Says what the bodies of a stream are. It creates nothing: that is for Cursor.createStream.
 *
 *     const orders = defineStream('orders', { schema: z.object({ id: z.number() }) });
 *     await orders.publisher(connection).sendMessage({ id: 1 });
 *
 * @throws InvalidName
 */
export function defineStream<T = unknown, I = T>(
  name: string,
  options: StreamDefinitionOptions<T, I> = {},
): StreamDefinition<T, I> {
  const bind = new Bind(name);
  const { schema, codec } = options;
  const given = { ...(schema && { schema }), ...(codec && { codec }) };
  return {
    name,
    bind,
    schema,
    codec,
    publisher: (connection, more = {}) => new Publisher<I>(connection, bind, { ...more, ...given }),
    follower: (connection, more = {}) => new Follower<T>(connection, bind, { ...more, ...given }),
  };
}
