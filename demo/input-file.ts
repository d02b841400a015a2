import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { Line } from './messages.ts';

/** @throws when it cannot be read, or there is nothing in it to send */
export async function readLines(file: string): Promise<string[]> {
  const lines = (await contentOf(file)).split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) throw new Error(`${file} is empty; give a file with at least one line`);
  return lines;
}

async function contentOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new Error(`${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

export function lineOf(publisher: string, number: number, text: string): Line {
  return { publisher, number, text, checksum: checksumOf(number, text) };
}

export function isDamaged({ number, text, checksum }: Line): boolean {
  return checksumOf(number, text) !== checksum;
}

function checksumOf(number: number, text: string): number {
  return crc32(text, number >>> 0);
}
