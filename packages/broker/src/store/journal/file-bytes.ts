import { readSync, writeSync } from 'node:fs';

/** What one call reads or writes at the most: a system takes less than 2 GiB. */
const CALL_BYTES_MAX: number = 1024 * 1024 * 1024;

/** So many bytes from a position on, or as many of them as the file has. */
export function readUpTo(descriptor: number, position: number, length: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  let read = 0;
  while (read < length) {
    const asked = Math.min(length - read, CALL_BYTES_MAX);
    const more = readSync(descriptor, bytes, read, asked, position + read);
    if (more === 0) return bytes.subarray(0, read);
    read += more;
  }
  return bytes;
}

/** Writes all of the bytes, from a position on. */
export function writeWhole(descriptor: number, bytes: Buffer, position: number): void {
  for (let written = 0; written < bytes.length; ) {
    const asked = Math.min(bytes.length - written, CALL_BYTES_MAX);
    written += writeSync(descriptor, bytes, written, asked, position + written);
  }
}
