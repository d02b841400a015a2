import { addAbortSignal } from 'node:stream';
import { CommandError } from '../command-error.ts';
import { count } from '../terminal/amounts.ts';
import type { Input } from './input.ts';
import { type Block, readLines } from './lines.ts';
import { parseJson } from './parse-json.ts';
import type { OwnOptions, OwnOptionsOf } from './send-flags.ts';
import type { Sender } from './sender.ts';

export interface PublishInputOptions {
  /** Each line is JSON, and its value the body. */
  readonly jsonLines: boolean;
  /** What each value has of its own, where they have. */
  readonly ownOptionsOf: OwnOptionsOf | undefined;
  readonly lineBytesMax: number;
  /** Ends the reading early; what was read is sent. */
  readonly stop: AbortSignal;
}

/**
 * Sends each line of `input` as a message, and reads no faster than they are confirmed. Resolves when the last was sent,
 * or after one was refused, as `sender` tells.
 *
 * @throws CommandError for a line that cannot be a message, or input that cannot be read
 */
export async function publishInput(
  input: Input,
  sender: Sender,
  options: PublishInputOptions,
): Promise<void> {
  const over = AbortSignal.any([options.stop, sender.failed]);
  const source = addAbortSignal(over, input.stream);
  try {
    for await (const block of readLines(source, options.lineBytesMax)) {
      if (over.aborted) return;
      if (!options.jsonLines) {
        await sender.send(block.lines, block.bytes);
        continue;
      }
      const { values, own, problem } = parseLines(block, options.ownOptionsOf);
      await sender.send(values, block.bytes, own);
      if (problem !== undefined) throw problem;
    }
  } catch (error) {
    if (over.aborted) return;
    if (error instanceof CommandError) throw error;
    throw new CommandError(`the input cannot be read: ${(error as Error).message}`, { cause: error });
  } finally {
    input.stream.destroy();
  }
}

interface Values {
  readonly values: readonly unknown[];
  readonly own: readonly OwnOptions[] | undefined;
  /** Why there are no more. */
  readonly problem?: unknown;
}

/** The values of a block's lines, up to the first that is not as it must be; blank lines have none. */
function parseLines({ lines, firstNumber }: Block, ownOptionsOf: OwnOptionsOf | undefined): Values {
  const values: unknown[] = [];
  const own: OwnOptions[] | undefined = ownOptionsOf && [];
  for (const [index, line] of lines.entries()) {
    const text = typeof line === 'string' ? line : Buffer.from(line).toString();
    if (text.trim() === '') continue;
    const what = `line ${count(firstNumber + index)}`;
    try {
      const value = parseJson(text, what);
      if (ownOptionsOf !== undefined) own?.push(ownOptionsOf(value, what));
      values.push(value);
    } catch (problem) {
      return { values, own, problem };
    }
  }
  return { values, own };
}
