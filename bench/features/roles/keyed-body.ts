/** What a body says of its message: its key, and that it is the key's first, second … */
export interface Keyed {
  readonly key: number;
  readonly number: number;
}

/** u32 key | u32 number | whatever was there. */
export const KEYED_BYTES = 8;

export function writeKeyed(body: Buffer, { key, number }: Keyed): void {
  body.writeUInt32BE(key, 0);
  body.writeUInt32BE(number, 4);
}

export function readKeyed(body: Uint8Array): Keyed {
  const view = new DataView(body.buffer, body.byteOffset, KEYED_BYTES);
  return { key: view.getUint32(0), number: view.getUint32(4) };
}
