import { RECORD_RAW } from '@simplemq/protocol';
import type { Codec } from '../codec/codec.ts';
import { msgpack } from '../codec/msgpack.ts';

/** Makes a body of a record's bytes and flags. */
export type BodyReader<T> = (body: Buffer, flags: number) => T;

/** With the default codec bytes come as they were sent; another codec reads all there is. */
export function bodyReader<T>(codec: Codec): BodyReader<T> {
  if (codec !== msgpack) return (body) => codec.decode(body) as T;
  return (body, flags) => ((flags & RECORD_RAW) !== 0 ? body : msgpack.decode(body)) as T;
}
