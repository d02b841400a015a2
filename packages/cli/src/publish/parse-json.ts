import { CommandError } from '../command-error.ts';

/** @throws CommandError that begins with `what` */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandError(`${what} is not JSON: ${(cause as Error).message}`, { cause });
  }
}
