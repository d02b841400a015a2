import { createReadStream, fstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { CommandError } from '../command-error.ts';

/** Where messages are read from. */
export interface Input {
  readonly stream: Readable;
  /** Undefined when nobody knows, as with a pipe. */
  readonly bytes: number | undefined;
}

const CHUNK_BYTES = 256 * 1024;
const STANDARD_INPUT = 0;

/** @throws CommandError when the file cannot be read */
export async function openFile(path: string): Promise<Input> {
  try {
    const file = await open(path);
    const stat = await file.stat();
    if (stat.isDirectory()) throw new CommandError('it is a folder');
    const stream = createReadStream(path, { fd: file, highWaterMark: CHUNK_BYTES });
    return { stream, bytes: stat.isFile() ? stat.size : undefined };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : (code ?? message);
    throw new CommandError(`the file ${path} cannot be read: ${why}`, { cause });
  }
}

export function standardInput(): Input {
  if (process.stdin.isTTY && process.stderr.isTTY) {
    process.stderr.write('Each line is a message; Ctrl-D ends.\n');
  }
  return { stream: process.stdin, bytes: sizeOfStandardInput() };
}

function sizeOfStandardInput(): number | undefined {
  try {
    const stat = fstatSync(STANDARD_INPUT);
    return stat.isFile() ? stat.size : undefined;
  } catch {
    return undefined;
  }
}
