import { InvalidOption } from '@simplemq/protocol';

/** What turns bodies into bytes and back. Publisher and follower of a stream need the same one. */
export interface Codec<T = unknown> {
  encode(value: T): Uint8Array;
  /** `bytes` are a view of a received frame: copy what is to be kept apart from it. */
  decode(bytes: Uint8Array): T;
}

/** Bodies are bytes, and stay what they are. */
export const raw: Codec<Uint8Array> = {
  encode(value: Uint8Array): Uint8Array {
    if (value instanceof Uint8Array) return value;
    throw new InvalidOption(`codec raw takes a Uint8Array as body, not ${typeof value}`, {
      details: { option: 'codec' },
    });
  },
  decode: (bytes: Uint8Array): Uint8Array => bytes,
};

/** Bodies are JSON in UTF-8, for programs that read nothing else. */
// biome-ignore lint/suspicious/noExplicitAny: JSON is typed by those who use it
export const json: Codec<any> = {
  encode(value: unknown): Uint8Array {
    const text = JSON.stringify(value);
    if (text === undefined) throw new InvalidOption(`codec json cannot write ${typeof value}`);
    return Buffer.from(text);
  },
  decode: (bytes: Uint8Array): unknown =>
    JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()),
};
