import { isUtf8 } from 'node:buffer';
import { CommandError } from '../command-error.ts';
import { count, size } from '../terminal/amounts.ts';

/** Lines that were read together. */
export interface Block {
  /** Without their newlines: as text, or as bytes where a line is not UTF-8. */
  readonly lines: readonly (string | Uint8Array)[];
  /** What they took in the input, newlines included. */
  readonly bytes: number;
  /** The number of the first of them, from 1. */
  readonly firstNumber: number;
}

const NEWLINE = 0x0a;

/**
 * Cuts input into lines, block by block as it comes. The last line needs no newline.
 *
 * @throws CommandError for a line of more than `lineBytesMax`, of which no more is read
 */
export async function* readLines(
  source: AsyncIterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<Block, void> {
  let parts: Uint8Array[] = [];
  let partBytes = 0;
  let number = 1;
  for await (const chunk of source) {
    const end = chunk.lastIndexOf(NEWLINE);
    const head = end === -1 ? chunk.length : chunk.indexOf(NEWLINE);
    if (partBytes + head > lineBytesMax) throw tooLong(number, lineBytesMax);
    if (end === -1) {
      parts.push(chunk);
      partBytes += chunk.length;
      continue;
    }
    const block = blockOf(joined(parts, chunk.subarray(0, end)), number, 1);
    parts = end + 1 < chunk.length ? [chunk.subarray(end + 1)] : [];
    partBytes = chunk.length - end - 1;
    number += block.lines.length;
    yield block;
  }
  if (partBytes > 0) yield blockOf(Buffer.concat(parts), number, 0);
}

function joined(parts: readonly Uint8Array[], last: Uint8Array): Buffer {
  if (parts.length > 0) return Buffer.concat([...parts, last]);
  return Buffer.from(last.buffer, last.byteOffset, last.length);
}

function blockOf(text: Buffer, firstNumber: number, newlinesAfter: number): Block {
  const lines = isUtf8(text) ? text.toString('utf8').split('\n') : cut(text).map(textOrBytes);
  return { lines, bytes: text.length + newlinesAfter, firstNumber };
}

function cut(text: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = text.indexOf(NEWLINE); end !== -1; end = text.indexOf(NEWLINE, start)) {
    lines.push(text.subarray(start, end));
    start = end + 1;
  }
  lines.push(text.subarray(start));
  return lines;
}

function textOrBytes(line: Buffer): string | Uint8Array {
  return isUtf8(line) ? line.toString('utf8') : line;
}

function tooLong(number: number, lineBytesMax: number): CommandError {
  return new CommandError(
    `line ${count(number)} is longer than ${size(lineBytesMax)}, the largest message that the broker takes (limits.maxMessageBytes)`,
  );
}
